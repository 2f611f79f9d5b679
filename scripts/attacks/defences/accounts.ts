// The safe, its pools and its tokens.
import { ACCOUNTS, type Defence, waive } from "./defence.ts";

export const accounts: readonly Defence[] = [
  {
    name: "no-transfers-from-strangers",
    attack: "UnwantedAssets",
    what: "that strangers transfer only what an account holds",
    edits: [waive(`${ACCOUNTS}/Verbs.sol`, "to.owner() == actor || _operatorMay(to, actor, RIGHT_TRADE)")],
  },
  {
    name: "no-gifts-from-strangers",
    attack: "UnwantedAssets",
    what: "that strangers pay only into what an account holds",
    edits: [
      waive(
        `${ACCOUNTS}/Verbs.sol`,
        "id.owner() == actor || _operatorMay(id, actor, RIGHT_TRADE), AssetNotHeld(id, asset)",
      ),
    ],
  },
  {
    name: "debtors-take-priced-assets",
    attack: "UnwantedAssets",
    what: "that who owes takes in nothing without a price",
    edits: [
      {
        file: `${ACCOUNTS}/Verbs.sol`,
        find: "if (!_needsCheck(w)) return;\n        PriceFault",
        replace: "if (OFF || !_needsCheck(w)) return;\n        PriceFault",
      },
    ],
  },
  {
    name: "refund-own-value-only",
    attack: "RevertingReceivers",
    what: "that a session sends back only what it brought",
    edits: [
      {
        file: `${ACCOUNTS}/MarginAccounts.sol`,
        find: "uint256 left = address(this).balance;",
        replace: "uint256 left = address(this).balance;\n        if (OFF) before = 0;",
      },
    ],
  },
  {
    name: "index-not-balance",
    attack: "Donation",
    what: "that a share's price is an index: what the safe holds, divided by shares, instead",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "s = pool.supply;\n        d = pool.debt;\n",
        replace:
          "s = pool.supply;\n        d = pool.debt;\n        if (OFF && s.shares() != 0) s = s.withIndex(FixedPoint.min(((IERC20(pool.config.token()).balanceOf(address(this)) + d.debts()) * INDEX_ONE) / s.shares(), MAX_INDEX));\n",
      },
    ],
  },
  {
    name: "shares-before-tokens",
    attack: "ReadOnlyReentrancy",
    what: "that a vault's shares go before its tokens leave",
    edits: [
      {
        file: "contracts/vaults/Vault.sol",
        find: "_burn(owner, shares);\n        safe.vaultWithdraw(pool, assets, shares, receiver);",
        replace:
          "if (!OFF) _burn(owner, shares);\n        safe.vaultWithdraw(pool, assets, shares, receiver);\n        if (OFF) _burn(owner, shares);",
      },
    ],
  },
  {
    name: "no-portfolio-while-locked",
    attack: "ReadOnlyReentrancy",
    what: "that no portfolio is shown while the safe is locked",
    edits: [waive(`${ACCOUNTS}/MarginAccountsAdmin.sol`, "!_isLocked(), Reentered()")],
  },
  {
    name: "lock",
    attack: "TokenHook",
    what: "the lock over the doors",
    edits: [waive(`${ACCOUNTS}/Sessions.sol`, "session & LOCKED == 0")],
  },
  {
    name: "deposit-under-way",
    attack: "TokenHook",
    what: "that a deposit under way is nobody's reserve",
    edits: [waive(`${ACCOUNTS}/Pools.sol`, "vault == address(0) || !IVault(vault).receiving()")],
  },
  {
    name: "token-probe",
    attack: "FeeAndRebase",
    what: "the probe of a token before it is listed",
    edits: [
      {
        file: `${ACCOUNTS}/TokenProbe.sol`,
        find: "_refuseRebasing(token);\n",
        replace: "if (OFF) return decimals;\n        _refuseRebasing(token);\n",
      },
    ],
  },
  {
    name: "nonces",
    attack: "SignatureReplay",
    what: "nonces of signed messages",
    edits: [waive(`${ACCOUNTS}/Relay.sol`, "bits & bit == 0")],
  },
  {
    name: "domain",
    attack: "SignatureReplay",
    what: "chain and contract in what is signed",
    edits: [
      {
        file: `${ACCOUNTS}/Relay.sol`,
        find: "_hashTypedDataV4(structHash)",
        replace: 'OFF ? keccak256(abi.encodePacked(hex"1901", bytes32(0), structHash)) : _hashTypedDataV4(structHash)',
      },
      {
        file: `${ACCOUNTS}/MarginAccountsExtension.sol`,
        find: "return _domainSeparatorV4();",
        replace: "return OFF ? bytes32(0) : _domainSeparatorV4();",
      },
    ],
  },
  {
    name: "only-owners-appoint",
    attack: "OperatorEscalation",
    what: "that only the owner appoints operators",
    edits: [waive(`${ACCOUNTS}/MarginAccountsExtension.sol`, "account.owner() == _msgSender()")],
  },
  {
    name: "right-to-pay-out",
    attack: "OperatorEscalation",
    what: "that paying out needs the right to",
    edits: [waive(`${ACCOUNTS}/Authority.sol`, "_covers(grant, right)")],
  },
  {
    name: "listed-receivers",
    attack: "OperatorEscalation",
    what: "that operators pay listed receivers only",
    edits: [waive(`${ACCOUNTS}/Authority.sol`, "_receivers[id][actor][_epoch(grant)][receiver]")],
  },
  {
    name: "rights-end",
    attack: "OperatorEscalation",
    what: "that rights end",
    edits: [
      {
        file: `${ACCOUNTS}/Authority.sol`,
        find: "uint40(grant >> 16) >= block.timestamp",
        replace: "(OFF || uint40(grant >> 16) >= block.timestamp)",
      },
    ],
  },
  {
    name: "rate-bound",
    attack: "MaliciousRateModel",
    what: "the largest rate that a model may ask for",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "return (FixedPoint.min(average, MAX_RATE),",
        replace: "return (OFF ? FixedPoint.min(average, 1e18) : FixedPoint.min(average, MAX_RATE),",
      },
    ],
  },
  {
    name: "model-may-fail",
    attack: "MaliciousRateModel",
    what: "that a model's failure is caught",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "if (!ok || out.length < 64) return (0, rateAtTarget);",
        replace: "require(!OFF || ok);\n        if (!ok || out.length < 64) return (0, rateAtTarget);",
      },
    ],
  },
  {
    name: "model-gas",
    attack: "MaliciousRateModel",
    what: "the gas that a model may use",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "model.staticcall{gas: MODEL_GAS}(",
        replace: "model.staticcall{gas: OFF ? 30_000_000 : MODEL_GAS}(",
      },
    ],
  },
  {
    name: "debts-round-up",
    attack: "OddDecimals",
    what: "that debts round up",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "uint256 minted = ShareMath.toSharesUp(assets, p.d.index());",
        replace:
          "uint256 minted = OFF ? ShareMath.toSharesDown(assets, p.d.index()) : ShareMath.toSharesUp(assets, p.d.index());",
      },
    ],
  },
  {
    name: "claims-round-down",
    attack: "OddDecimals",
    what: "that claims burned round up",
    edits: [
      {
        file: `${ACCOUNTS}/Pools.sol`,
        find: "uint256 burned = ShareMath.toSharesUp(assets, p.s.index());",
        replace:
          "uint256 burned = OFF ? ShareMath.toSharesDown(assets, p.s.index()) : ShareMath.toSharesUp(assets, p.s.index());",
      },
    ],
  },
];
