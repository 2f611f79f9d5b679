// What the page sends: calls of the safe's doors and of the routers, with permits and grants signed on the way.
import { concat, Contract, MaxUint256, toBeHex, TypedDataEncoder, ZeroAddress } from "ethers";

import {
  OPERATOR_RIGHTS,
  operatorTypedData,
  permitTypedData,
  randomNonce,
  signTypedMessage,
  splitSignature,
} from "../../../sdk/signatures.ts";
import type { Asset } from "../../../sdk/client/venue.ts";
import type { ModelNumber } from "../../../sdk/mirror/account.ts";
import { Told } from "../lib/problems.ts";
import type { Call } from "../tx/transactions.ts";
import { signer, wallet } from "../wallet/wallet.ts";
import type { Site } from "./site.ts";

const PERMIT_LIFE_S = 3_600n;
const FOREVER = 2n ** 40n - 1n;
const DEADLINE_S = 600n;
const FEES = [100, 500, 3_000, 10_000];
const FEE_BYTES = 3;

const TOKEN_ABI = [
  "function name() view returns (string)",
  "function nonces(address) view returns (uint256)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function allowance(address,address) view returns (uint256)",
  "function balanceOf(address) view returns (uint256)",
  "function approve(address,uint256) returns (bool)",
];
const FACTORY_ABI = ["function getPool(address,address,uint24) view returns (address)"];

export type Step = (title: string) => void;

const owner = (): string => {
  const { address } = wallet.get();
  if (address === undefined) throw new Told("Connect a wallet first.");
  return address;
};

const now = (): bigint => BigInt(Math.floor(Date.now() / 1_000));
/** A local chain's clock may be ahead of this one. */
const chainNow = async ({ provider }: Site): Promise<bigint> => {
  const block = await provider.getBlock("latest");
  const at = BigInt(block?.timestamp ?? 0);
  return at > now() ? at : now();
};

const token = (site: Site, address: string): Contract => new Contract(address, TOKEN_ABI, site.provider);

export const allowanceOf = (site: Site, address: string, spender: string): Promise<bigint> =>
  token(site, address).getFunction("allowance").staticCall(owner(), spender) as Promise<bigint>;

/** ERC-2612 where the token says so itself: its separator must be the one that the wallet will sign for. */
const permitDomain = async (site: Site, address: string): Promise<{ name: string; nonce: bigint } | undefined> => {
  const contract = token(site, address);
  try {
    const [name, nonce, separator] = (await Promise.all([
      contract.getFunction("name").staticCall(),
      contract.getFunction("nonces").staticCall(owner()),
      contract.getFunction("DOMAIN_SEPARATOR").staticCall(),
    ])) as [string, bigint, string];
    const domain = { name, version: "1", chainId: site.chainId, verifyingContract: address };
    return TypedDataEncoder.hashDomain(domain) === separator ? { name, nonce } : undefined;
  } catch {
    return undefined;
  }
};

const batchOf = (site: Site, calls: readonly Call[]): Call => {
  const { safe } = site.venue.contracts;
  const data = safe.interface.encodeFunctionData("batch", [
    calls.map(({ to, data: each }) => ({ target: to, data: each })),
  ]);
  const value = calls.reduce((sum, call) => sum + (call.value ?? 0n), 0n);
  return { to: site.venue.deployment.contracts.safe, data, ...(value > 0n && { value }) };
};

const door = (site: Site, data: string, value?: bigint): Call => ({
  to: site.venue.deployment.contracts.safe,
  data,
  ...(value !== undefined && { value }),
});

/** An exact approval: never more than what is paid now. */
export const approval = (site: Site, address: string, spender: string, amount: bigint): Call => ({
  to: address,
  data: token(site, address).interface.encodeFunctionData("approve", [spender, amount]),
});

/** Whether a deposit needs a transaction of its own before it. */
export const needsApproval = async (site: Site, asset: Asset, spender: string, amount: bigint): Promise<boolean> => {
  if ((await allowanceOf(site, asset.token, spender)) >= amount) return false;
  return spender !== site.venue.deployment.contracts.safe || (await permitDomain(site, asset.token)) === undefined;
};

/** The safe's permit door as a first call, where the allowance does not cover the amount. */
const permitted = async (site: Site, asset: Asset, amount: bigint, step: Step): Promise<Call[]> => {
  const { safe } = site.venue.deployment.contracts;
  if ((await allowanceOf(site, asset.token, safe)) >= amount) return [];
  const domain = await permitDomain(site, asset.token);
  if (domain === undefined) throw new Told(`Approve ${asset.symbol} first.`);
  const deadline = (await chainNow(site)) + PERMIT_LIFE_S;
  step(`Sign the permit for ${asset.symbol}`);
  const typed = permitTypedData(
    { owner: owner(), spender: safe, value: amount, nonce: domain.nonce, deadline },
    { token: asset.token, chainId: site.chainId, name: domain.name },
  );
  const { v, r, s } = splitSignature(await signTypedMessage(await signer(), typed));
  const { interface: abi } = site.venue.contracts.safe;
  return [door(site, abi.encodeFunctionData("permit", [asset.token, owner(), amount, deadline, v, r, s]))];
};

export const deposit = async (site: Site, account: string, asset: Asset, amount: bigint, step: Step): Promise<Call> => {
  const permits = await permitted(site, asset, amount, step);
  const { interface: abi } = site.venue.contracts.safe;
  const call = door(site, abi.encodeFunctionData("deposit", [account, asset.id, amount]));
  return permits.length === 0 ? call : batchOf(site, [...permits, call]);
};

export const depositEther = (site: Site, account: string, amount: bigint): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("depositNative", [account, amount]), amount);

export const withdraw = (site: Site, account: string, asset: Asset, amount: bigint): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("withdraw", [account, asset.id, amount, owner()]));

export const borrow = (site: Site, account: string, asset: Asset, amount: bigint): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("borrow", [account, asset.id, amount, owner()]));

/** `all`: whatever is owed by then; the permit covers a little interest on top. */
export const repay = async (
  site: Site,
  account: string,
  asset: Asset,
  amount: bigint,
  all: boolean,
  step: Step,
): Promise<Call> => {
  const covered = all ? amount + amount / 1_000n + 1n : amount;
  const permits = await permitted(site, asset, covered, step);
  const { interface: abi } = site.venue.contracts.safe;
  const call = door(site, abi.encodeFunctionData("repay", [account, asset.id, all ? MaxUint256 : amount]));
  return permits.length === 0 ? call : batchOf(site, [...permits, call]);
};

export const transfer = (site: Site, from: string, to: string, asset: Asset, amount: bigint): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("transfer", [from, to, asset.id, amount, false]));

export const setModel = (site: Site, account: string, model: ModelNumber): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("setModel", [account, model]));

export const setOperator = (site: Site, account: string, operator: string, rights: number, expiry: bigint): Call =>
  door(
    site,
    site.venue.contracts.safe.interface.encodeFunctionData("setOperator", [
      account,
      operator,
      rights,
      expiry,
      false,
      [],
    ]),
  );

// ------------------------------------------------------------------ leverage

/** The deepest known route is the one pool that there is; the first fee with a pool serves. */
const pathOf = async (site: Site, from: Asset, to: Asset): Promise<string> => {
  const factory = new Contract(site.venue.deployment.uniswap.factory, FACTORY_ABI, site.provider);
  const pools = await Promise.all(
    FEES.map((fee) => factory.getFunction("getPool").staticCall(from.token, to.token, fee) as Promise<string>),
  );
  const fee = FEES.find((_, i) => pools[i] !== undefined && BigInt(pools[i]) !== 0n);
  if (fee === undefined) throw new Told(`There is no pool to trade ${from.symbol} for ${to.symbol}.`);
  return concat([from.token, toBeHex(fee, FEE_BYTES), to.token]);
};

/** Lets the router act for this account alone, paying nobody but itself; nothing where it may already. */
const grantFor = async (site: Site, account: string, step: Step) => {
  const { leverageRouter: router, safe } = site.venue.deployment.contracts;
  const grant = await site.venue.contracts.safe.operatorOf(account, router);
  const at = await chainNow(site);
  const none = { expiry: 0n, signed: { nonce: 0n, deadline: 0n, signature: "0x" } };
  if (Number(grant.rights) === OPERATOR_RIGHTS.both && grant.expiry > at) return none;
  step("Allow the leverage router for this account");
  const [nonce, deadline] = [randomNonce(), at + PERMIT_LIFE_S];
  const typed = operatorTypedData(
    {
      ...{ account, operator: router, rights: OPERATOR_RIGHTS.both, expiry: Number(FOREVER) },
      ...{ receiversOnly: true, receivers: [router], nonce, deadline },
    },
    { chainId: site.chainId, safe },
  );
  const signature = await signTypedMessage(await signer(), typed);
  return { expiry: FOREVER, signed: { nonce, deadline, signature } };
};

export interface LeverageTerms {
  readonly account: string;
  /** Sold: owed for what the account does not have of it. */
  readonly debt: Asset;
  readonly bought: Asset;
  readonly sold: bigint;
  readonly minBought: bigint;
}

export const openLeverage = async (site: Site, terms: LeverageTerms, step: Step): Promise<Call> => {
  const { account, debt, bought, sold, minBought } = terms;
  const [path, grant] = [await pathOf(site, debt, bought), await grantFor(site, account, step)];
  const deadline = (await chainNow(site)) + DEADLINE_S;
  const order = {
    ...{ account, debtAsset: debt.id, collateralAsset: bought.id, marginAsset: debt.id, margin: 0n },
    ...{ sold, minBought, path, deadline, grant },
  };
  const { interface: abi } = site.venue.contracts.leverageRouter;
  return { to: site.venue.deployment.contracts.leverageRouter, data: abi.encodeFunctionData("open", [order]) };
};

export const closeLeverage = async (
  site: Site,
  { account, debt, collateral, maxSold }: { account: string; debt: Asset; collateral: Asset; maxSold: bigint },
  step: Step,
): Promise<Call> => {
  // An exact amount is bought: the path begins at it.
  const [path, grant] = [await pathOf(site, debt, collateral), await grantFor(site, account, step)];
  const deadline = (await chainNow(site)) + DEADLINE_S;
  const order = {
    ...{ account, debtAsset: debt.id, collateralAsset: collateral.id, repaid: MaxUint256, maxSold },
    ...{ path, to: ZeroAddress, native: false, deadline, grant },
  };
  const { interface: abi } = site.venue.contracts.leverageRouter;
  return { to: site.venue.deployment.contracts.leverageRouter, data: abi.encodeFunctionData("close", [order]) };
};

// ------------------------------------------------------------------ vaults and auctions

const VAULT_ABI = [
  "function deposit(uint256,address) returns (uint256)",
  "function withdraw(uint256,address,address) returns (uint256)",
  "function redeem(uint256,address,address) returns (uint256)",
];

export const vaultDeposit = (site: Site, vault: string, amount: bigint): Call => ({
  to: vault,
  data: new Contract(vault, VAULT_ABI, site.provider).interface.encodeFunctionData("deposit", [amount, owner()]),
});

export const vaultWithdraw = (site: Site, vault: string, amount: bigint): Call => ({
  to: vault,
  data: new Contract(vault, VAULT_ABI, site.provider).interface.encodeFunctionData("withdraw", [
    amount,
    owner(),
    owner(),
  ]),
});

export const vaultRedeem = (site: Site, vault: string, shares: bigint): Call => ({
  to: vault,
  data: new Contract(vault, VAULT_ABI, site.provider).interface.encodeFunctionData("redeem", [
    shares,
    owner(),
    owner(),
  ]),
});

/** Of shares staked in the insurance fund; 0 takes the wish back. */
export const requestExit = (site: Site, shares: bigint): Call => ({
  to: site.venue.deployment.contracts.insuranceFund,
  data: site.venue.contracts.insuranceFund.interface.encodeFunctionData("requestExit", [shares]),
});

export const startAuction = (site: Site, account: string, feeTo: string): Call => ({
  to: site.venue.deployment.contracts.auction,
  data: site.venue.contracts.auction.interface.encodeFunctionData("start", [account, feeTo]),
});

/** With one's own account: it takes what is bid on, and pays. */
export const bid = (site: Site, account: string, bidder: string, fraction: bigint, limit: bigint): Call =>
  door(site, site.venue.contracts.safe.interface.encodeFunctionData("bid", [account, bidder, fraction, limit]));

/** Without capital: what is taken is sold at once, and the profit is paid out. */
export const bidWithoutCapital = async (
  site: Site,
  account: string,
  tokens: readonly Asset[],
  limit: bigint,
  minProfit: bigint,
): Promise<Call> => {
  const settlement = site.venue.assets.get(1);
  const others = tokens.filter(({ token: each }) => each !== settlement.token);
  const routes = await Promise.all(others.map((asset) => pathOf(site, asset, settlement)));
  const deadline = (await chainNow(site)) + DEADLINE_S;
  const order = { account, fraction: MaxUint256, limit, minProfit, routes, recipient: owner(), deadline };
  const { interface: abi } = site.venue.contracts.liquidationUnwinder;
  return {
    to: site.venue.deployment.contracts.liquidationUnwinder,
    data: abi.encodeFunctionData("liquidate", [order]),
  };
};
