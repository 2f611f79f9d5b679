// Attests what Chainlink does not carry: premium, forwards, smiles; signed by two of the local network's three attesters.
import { type ContractTransaction, HDNodeWallet, Mnemonic } from "ethers";

import { signAttestation } from "../../attestor/attestations.ts";
import { type Attestation, attestationDomain, encodePost } from "../../sdk/attestations.ts";
import { MNEMONIC } from "../sender.ts";
import { type Coin, COINS, type Prices } from "../stage.ts";
import type { MarketPoint } from "./market.ts";
import type { DerivativesStage } from "./stage.ts";
import { Surface } from "./surface.ts";

/** Accounts of the development mnemonic that `deploy/config/localDerivatives.ts` names; as many as its threshold. */
const ATTESTERS = [17, 18];
/** Values live for two hours; in between the index alone moves prices. */
const EVERY_S = 3_600;
/** Smiles are drawn anew when the index has left the forward they were drawn around so far behind. */
const MOST_DRIFT = 0.03;

export class Attestor {
  private readonly keys = ATTESTERS.map((i) =>
    HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`),
  );
  private readonly posted = new Map<Coin, { surface: Surface; index: number; premium: number }>();
  attestations = 0;

  constructor(private readonly stage: DerivativesStage) {}

  /** As last attested. */
  surfaceOf(coin: Coin): Surface {
    const posted = this.posted.get(coin);
    if (posted === undefined) throw new Error(`nothing is attested of ${coin}`);
    return posted.surface;
  }

  premiumOf(coin: Coin): number {
    return this.posted.get(coin)?.premium ?? 0;
  }

  /** What should be posted in the block of `time`. */
  async due(time: number, prices: Prices, market: MarketPoint): Promise<ContractTransaction[]> {
    const posts = await Promise.all(COINS.map((coin) => this.dueOf(coin, time, prices[coin], market)));
    return posts.flat();
  }

  private async dueOf(coin: Coin, time: number, index: number, market: MarketPoint): Promise<ContractTransaction[]> {
    const last = this.posted.get(coin);
    const isDue =
      last === undefined ||
      time - last.surface.time >= EVERY_S ||
      Math.abs(Math.log(index / last.index)) > MOST_DRIFT ||
      market.coins[coin].premium !== last.premium;
    if (!isDue || (last !== undefined && time <= last.surface.time)) return [];
    const { calendar, underlyingOf } = this.stage;
    const underlying = underlyingOf(coin);
    const { premium } = market.coins[coin];
    const surface = new Surface(underlying, time, index, market.coins[coin], [calendar.near, calendar.far]);
    this.posted.set(coin, { surface, index, premium });
    return Promise.all(surface.attestations().map((attestation) => this.post(attestation)));
  }

  private async post(attestation: Attestation): Promise<ContractTransaction> {
    const { deployment, attestedFeed } = this.stage;
    const domain = attestationDomain(deployment.chainId, attestedFeed);
    const signatures = await signAttestation(domain, attestation, this.keys, this.keys.length);
    this.attestations += 1;
    return { to: attestedFeed, data: encodePost(attestation, signatures) };
  }
}
