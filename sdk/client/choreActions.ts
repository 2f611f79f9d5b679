/** What anybody may call to keep the protocol going; some of it is rewarded by what it makes possible. */
import { ZeroAddress } from "ethers";

import { Words } from "../errors/format.ts";
import { action, type Action } from "./action.ts";
import { type AssetRef, derivativesAt, errorContext, type Venue } from "./venue.ts";

/** Builders of chores. */
export const choreActions = (venue: Venue) => {
  const { safe, sizeCheckpoints, deviationRecord, insuranceFund } = venue.contracts;
  const at = venue.deployment.contracts;
  const words = new Words(errorContext(venue));
  const asset = (ref: AssetRef) => venue.assets.get(ref);
  const ledger = (kind: string, title: string, encode: (door: ReturnType<typeof derivativesAt>) => string): Action =>
    action({ kind, title, to: at.positions ?? ZeroAddress, data: encode(derivativesAt(venue)) });
  const name = (underlying: number): string => words.underlying(BigInt(underlying));

  return {
    /** Stores a pool's accrued interest. */
    accrue: (ref: AssetRef): Action =>
      action({
        kind: "accrue",
        title: `Accrue interest of ${asset(ref).symbol}`,
        to: at.safe,
        data: safe.interface.encodeFunctionData("accrue", [asset(ref).id]),
      }),

    /** Moves the slow total of an asset, an hour or more after the last time. */
    updateCheckpoint: (ref: AssetRef): Action =>
      action({
        kind: "updateCheckpoint",
        title: `Move the slow total of ${asset(ref).symbol}`,
        to: at.sizeCheckpoints,
        data: sizeCheckpoints.interface.encodeFunctionData("update", [asset(ref).id]),
      }),

    /** Lets a lower total of an asset limit its next rise. */
    observeSize: (ref: AssetRef): Action =>
      action({
        kind: "observeSize",
        title: `Note the total of ${asset(ref).symbol}`,
        to: at.sizeCheckpoints,
        data: sizeCheckpoints.interface.encodeFunctionData("observe", [asset(ref).id]),
      }),

    /** Records whether an asset's price sources disagree. */
    pokeDeviation: (ref: AssetRef): Action =>
      action({
        kind: "pokeDeviation",
        title: `Note whether the sources of ${asset(ref).symbol} agree`,
        to: at.deviationRecord,
        data: deviationRecord.interface.encodeFunctionData("poke", [asset(ref).id]),
      }),

    /** Credits what a pool holds beyond its claims to the insurance fund. */
    collectReserves: (ref: AssetRef): Action =>
      action({
        kind: "collectReserves",
        title: `Collect reserves of ${asset(ref).symbol}`,
        to: at.safe,
        data: safe.interface.encodeFunctionData("collectReserves", [asset(ref).id]),
      }),

    /** Gives settlement tokens to the insurance fund, which needs an approval. */
    donate: (amount: bigint): Action =>
      action({
        kind: "donate",
        title: `Give ${words.settlement(amount)} to the insurance fund`,
        to: at.insuranceFund,
        data: insuranceFund.interface.encodeFunctionData("donate", [amount]),
        needs: [{ token: asset(1).token, symbol: asset(1).symbol, spender: at.insuranceFund, amount }],
      }),

    /** Accrues a perp's funding and takes the feed's premium over. */
    pokeFunding: (underlying: number): Action =>
      ledger("pokeFunding", `Accrue funding of ${name(underlying)}`, ({ positions }) =>
        positions.interface.encodeFunctionData("pokeFunding", [underlying]),
      ),

    /** Moves a perp's slow open interest, an hour or more after the last time. */
    checkpointOpenInterest: (underlying: number): Action =>
      ledger("checkpointOpenInterest", `Move the slow open interest of ${name(underlying)}`, ({ positions }) =>
        positions.interface.encodeFunctionData("checkpointOpenInterest", [underlying]),
      ),

    /** Lets a lower open interest limit its next rise. */
    observeOpenInterest: (underlying: number): Action =>
      ledger("observeOpenInterest", `Note the open interest of ${name(underlying)}`, ({ positions }) =>
        positions.interface.encodeFunctionData("observeOpenInterest", [underlying]),
      ),

    /** Stores the final price of an expiry. */
    settleExpiry: (underlying: number, expiry: number): Action =>
      ledger("settleExpiry", `Settle ${name(underlying)} at ${words.time(BigInt(expiry))}`, ({ positions }) =>
        positions.interface.encodeFunctionData("settleExpiry", [underlying, expiry]),
      ),

    /** Moves fees to the accounts of insurance fund and treasury. */
    sweepFees: (): Action =>
      ledger("sweepFees", "Sweep fees", ({ positions }) => positions.interface.encodeFunctionData("sweepFees")),

    /** Takes the index price into the realised volatility. */
    observeVolatility: (underlying: number): Action => {
      const { realizedVolatility } = derivativesAt(venue);
      return action({
        kind: "observeVolatility",
        title: `Observe the volatility of ${name(underlying)}`,
        to: at.realizedVolatility ?? ZeroAddress,
        data: realizedVolatility.interface.encodeFunctionData("observe", [underlying]),
      });
    },

    /** Counts rounds of an asset's feed towards a settlement average. */
    submitRounds: (ref: AssetRef, expiry: number, rounds: readonly bigint[]): Action => {
      const { settlementPrices } = derivativesAt(venue);
      return action({
        kind: "submitRounds",
        title: `Submit ${rounds.length} rounds of ${asset(ref).symbol} for ${words.time(BigInt(expiry))}`,
        to: at.settlementPrices ?? ZeroAddress,
        data: settlementPrices.interface.encodeFunctionData("submit", [asset(ref).id, expiry, [...rounds]]),
      });
    },
  };
};

/** Builders of chores. */
export type ChoreActions = ReturnType<typeof choreActions>;
