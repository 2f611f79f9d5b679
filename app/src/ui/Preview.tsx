// Before → after of what somebody is about to do, all by the SDK's mirror.
import type { ReactNode } from "react";

import { useSite } from "../data/hooks.ts";
import type { Liquidation, Standing } from "../data/liquidations.ts";
import type { Outcome } from "../data/preview.ts";
import { useLiquidations } from "../data/useLiquidations.ts";
import { money, price } from "../lib/format.ts";
import { Row } from "./parts.tsx";

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

/** A pool that is an underlying by its short name, any other asset by its symbol. */
export const useAssetName = (): ((asset: number) => string) => {
  const { venue } = useSite();
  return (asset) => venue.underlyings[asset] ?? venue.assets.name(asset);
};

/** They follow a moment later. */
const Liquidations = ({ standings }: { standings: { before: Standing; after: Standing } }): ReactNode => {
  const nameOf = useAssetName();
  const old = useLiquidations(standings.before) ?? [];
  const made = useLiquidations(standings.after) ?? [];
  return made.map((each) => {
    const was = old.find(({ asset }) => asset === each.asset);
    return (
      <Row key={each.asset} label={`Liquidation ${nameOf(each.asset)}`} strong>
        <span data-testid="liquidation">
          {was !== undefined && liquidationText(was) !== liquidationText(each) && (
            <span className="sr-only">before {liquidationText(was)}, after </span>
          )}
          {liquidationText(each)}
        </span>
      </Row>
    );
  });
};

export const Preview = ({ outcome, children }: { outcome: Outcome | undefined; children?: ReactNode }): ReactNode => {
  if (outcome?.before === undefined || outcome.after === undefined || outcome.standings === undefined) {
    return (
      <div className="preview muted" aria-live="polite">
        {outcome?.refused ?? outcome?.unvalued ?? "Enter a size to see what it does to your margin."}
      </div>
    );
  }
  const { before, after, standings, refused } = outcome;
  return (
    <>
      <dl className="preview" aria-label="Effect on your margin" data-testid="preview">
        <Row label="Free margin (initial)">
          <Change from={before.initial} to={after.initial} />
        </Row>
        <Row label="To liquidation (maintenance)">
          <Change from={before.maintenance} to={after.maintenance} />
        </Row>
        <Liquidations standings={standings} />
        {children}
      </dl>
      {refused !== undefined && (
        <p className="notice warn" role="status">
          {refused}
        </p>
      )}
    </>
  );
};
