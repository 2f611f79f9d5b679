// Before → after of what somebody is about to do, all by the mirror.
import { type ReactNode, useDeferredValue, useMemo } from "react";

import { useSite } from "../data/hooks.ts";
import { type Liquidation, liquidationsOf, marginsOf, type MarginView, type Standing } from "../data/preview.ts";
import { money, price } from "../lib/format.ts";
import { problemOf } from "../lib/problems.ts";
import type { Market } from "../../../sdk/mirror/market.ts";
import { Row } from "./parts.tsx";

export interface Previewed {
  readonly before: MarginView;
  readonly after: MarginView;
  /** For what takes longer than a key stroke: liquidation prices follow when there is time. */
  readonly market: Market;
  readonly standings: { readonly before: Standing; readonly after: Standing };
}

export interface Outcome {
  readonly preview?: Previewed;
  /** Why it cannot be reckoned, or would be refused. */
  readonly refused?: string;
}

/** Everything that a ticket shows; errors of the mirror are those of the chain. */
export const previewOf = (market: Market, before: Standing, makeAfter: () => Standing): Outcome => {
  try {
    const after = makeAfter();
    return {
      preview: {
        before: marginsOf(market, before),
        after: marginsOf(market, after),
        market,
        standings: { before, after },
      },
    };
  } catch (error) {
    return { refused: problemOf(error).message };
  }
};

const Change = ({
  from,
  to,
  text = money,
}: {
  from: number;
  to: number;
  text?: (value: number) => string;
}): ReactNode => (
  <>
    <span className="muted">{text(from)}</span>
    <span className="arrow" aria-label="becomes">
      →
    </span>
    <span className={to < 0 ? "bad" : ""}>{text(to)}</span>
  </>
);

export const liquidationText = ({ below, above }: Liquidation): string => {
  const parts = [
    ...(below !== undefined ? [`below ${price(below)}`] : []),
    ...(above !== undefined ? [`above ${price(above)}`] : []),
  ];
  return parts.length === 0 ? "none in reach" : parts.join(", ");
};

const Liquidations = ({ preview }: { preview: Previewed }): ReactNode => {
  const { venue } = useSite();
  const { market, standings } = useDeferredValue(preview);
  const [before, after] = useMemo(
    () => [liquidationsOf(market, standings.before), liquidationsOf(market, standings.after)],
    [market, standings],
  );
  return after.map((each) => {
    const old = before.find(({ underlying }) => underlying === each.underlying);
    return (
      <Row key={each.underlying} label={`Liquidation ${venue.underlyings[each.underlying] ?? ""}`} strong>
        <span data-testid="liquidation">
          {old !== undefined && liquidationText(old) !== liquidationText(each) && (
            <span className="sr-only">before {liquidationText(old)}, after </span>
          )}
          {liquidationText(each)}
        </span>
      </Row>
    );
  });
};

export const Preview = ({ outcome, children }: { outcome: Outcome | undefined; children?: ReactNode }): ReactNode => {
  if (outcome?.preview === undefined) {
    return (
      <div className="preview muted" aria-live="polite">
        {outcome?.refused ?? "Enter a size to see what it does to your margin."}
      </div>
    );
  }
  const { before, after } = outcome.preview;
  return (
    <dl className="preview" aria-label="Effect on your margin" data-testid="preview">
      <Row label="Free margin (initial)">
        <Change from={before.initial} to={after.initial} />
      </Row>
      <Row label="To liquidation (maintenance)">
        <Change from={before.maintenance} to={after.maintenance} />
      </Row>
      <Liquidations preview={outcome.preview} />
      {children}
    </dl>
  );
};
