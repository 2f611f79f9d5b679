// Attack: governance without its delay. One key after the other is stolen: the deployer's, the governor's, the guardian's, the steward's, the
// fee collector's; and a stranger tries what they try. Each calls every function that needs a right, and everything of manager and
// timelock, with an address of the thief's wherever one is asked for.
// Defence: the roles of deploy/lib/roles.ts and their hand-over (deploy/modules/Handover.ts): what could take funds is the
// governor's, which is the timelock.
// Without: the engine, and with it every pool, in one transaction.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { expect } from "chai";
import { type FunctionFragment, Interface, type ParamType, type Signer, toBeHex, ZeroHash } from "ethers";

import { derivativeContracts } from "../../deploy/lib/addresses.ts";
import { RESTRICTED, RESTRICTED_CONTRACTS, type RestrictedContract, ROLES } from "../../deploy/lib/roles.ts";
import { deployProtocol, type Protocol } from "../helpers/protocol.ts";

/** ERC-1967. */
const CODE_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

describe("attack: governance without delay", function () {
  this.timeout(120_000);
  let p: Protocol;

  beforeEach(async () => {
    p = await deployProtocol({ handover: true });
    await p.lend(p.carol, "USDC", p.units("USDC", 100_000));
  });

  /** What is restricted and there. */
  const deployed = (): { name: RestrictedContract; address: string }[] => {
    const contracts: Partial<Record<RestrictedContract, string>> = p.deployment.contracts;
    return RESTRICTED_CONTRACTS.flatMap((name) => {
      const address = contracts[name];
      return address === undefined ? [] : [{ name, address }];
    });
  };

  /** All that decides where funds may go. */
  const fingerprint = async () => {
    const { safe, manager, timelock, insuranceFund, tokens, ids, ethers } = p;
    const { positions, exchange, attestedFeed } = derivativeContracts(p.deployment);
    const selectors = deployed().flatMap(({ name, address }) =>
      RESTRICTED[name].map(({ selector }) => ({ address, selector })),
    );
    return JSON.stringify(
      await Promise.all([
        safe.engine(),
        safe.auction(),
        safe.positions(),
        safe.insurance(),
        ...[ids.USDC, ids.WETH, ids.WBTC].map((id) => safe.vaultOf(id)),
        ...[ids.USDC, ids.WETH, ids.WBTC].map((id) => safe.rateModel(id)),
        ...[positions, exchange].map((proxy) => ethers.provider.getStorage(proxy, CODE_SLOT)),
        p.derivatives().attestedFeed.threshold(),
        ethers.provider.getCode(attestedFeed).then((code) => code.length),
        tokens.USDC.balanceOf(safe),
        tokens.USDC.balanceOf(insuranceFund),
        timelock.getMinDelay(),
        ...Object.values(ROLES).flatMap((role) =>
          [p.deployer, p.governor, p.guardian, p.alice].map((who) => manager.hasRole(role, who)),
        ),
        ...selectors.map(({ address, selector }) => manager.getTargetFunctionRole(address, selector)),
      ]),
      (_, value: unknown) => (typeof value === "bigint" ? toBeHex(value) : value),
    );
  };

  /** What a thief fills in: an address with code of his own choice, everything else small and well-formed. */
  const argument = (type: ParamType, own: string): unknown => {
    if (type.baseType === "array") {
      const { arrayChildren: child, arrayLength } = type;
      return child === null ? [] : Array.from({ length: Math.max(arrayLength ?? 0, 0) }, () => argument(child, own));
    }
    if (type.baseType === "tuple") return (type.components ?? []).map((part) => argument(part, own));
    if (type.baseType === "bool") return false;
    if (type.baseType === "string") return "";
    if (type.baseType === "address") return own;
    if (type.baseType === "bytes") return "0x";
    if (type.baseType.startsWith("bytes"))
      return `${own}${"00".repeat(Number(type.baseType.slice(5)) - 20)}`.slice(0, 66);
    return 1n;
  };

  const attempts = () => {
    const { safe, manager, timelock } = p;
    const targets = derivativeContracts(p.deployment);
    const own = targets.lens;
    const encode = (abi: Interface, fragment: FunctionFragment) =>
      abi.encodeFunctionData(
        fragment,
        fragment.inputs.map((type) => argument(type, own)),
      );
    const guarded = deployed().flatMap(({ name, address }) =>
      RESTRICTED[name].flatMap(({ signature }) => {
        const abi = new Interface([`function ${signature}`]);
        const fragment = abi.getFunction(signature);
        return fragment === null ? [] : [{ to: address, data: encode(abi, fragment) }];
      }),
    );
    const machinery = ([manager, timelock] as const).flatMap((contract) => {
      const abi: Interface = contract.interface;
      const calls: { to: string; data: string }[] = [];
      abi.forEachFunction((fragment) => {
        if (fragment.constant || fragment.payable) return;
        calls.push({ to: contract.target as string, data: encode(abi, fragment) });
      });
      return calls;
    });
    const engine = safe.interface.encodeFunctionData("setEngine", [own]);
    return [
      ...guarded,
      ...machinery,
      // by the machinery's own doors
      { to: targets.manager, data: manager.interface.encodeFunctionData("execute", [targets.safe, engine]) },
      {
        to: targets.timelock,
        data: timelock.interface.encodeFunctionData("schedule", [targets.safe, 0n, engine, ZeroHash, ZeroHash, 0n]),
      },
      {
        to: targets.timelock,
        data: timelock.interface.encodeFunctionData("execute", [targets.safe, 0n, engine, ZeroHash, ZeroHash]),
      },
    ];
  };

  const tryAll = async (thief: Signer) => {
    for (const call of attempts())
      await thief.sendTransaction({ ...call, gasLimit: 3_000_000n }).catch(() => undefined);
  };

  it("gives no single key anything that could take funds (G1)", async () => {
    const before = await fingerprint();
    for (const thief of [p.deployer, p.governor, p.guardian, p.riskSteward, p.feeCollector, p.alice]) {
      await tryAll(thief);
      expect(await fingerprint()).to.equal(before);
    }
  });

  it("lets nothing that was proposed come early, whatever else the proposer's key does", async () => {
    const { safe, timelock, governor, networkHelpers } = p;
    const before = await fingerprint();
    const own = derivativeContracts(p.deployment).lens;
    const data = safe.interface.encodeFunctionData("setEngine", [own]);
    const operation = [safe, 0n, data, ZeroHash, ZeroHash] as const;
    const delay = await timelock.getMinDelay();
    await timelock.connect(governor).schedule(...operation, delay);
    // each attempt takes a second of the rest
    await networkHelpers.time.increase(delay / 2n);
    await tryAll(governor);
    await timelock.execute(...operation).catch(() => undefined);
    expect(await fingerprint()).to.equal(before);
  });
});
