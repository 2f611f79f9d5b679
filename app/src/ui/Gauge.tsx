// How far the account is from its line: equity, and what of it margins hold.
import type { ReactNode } from "react";

import type { MarginView } from "../data/preview.ts";
import { money, percent } from "../lib/format.ts";

/** Part of equity that maintenance requires. */
export const usedPart = ({ equity, maintenance }: MarginView): number =>
  equity <= 0 ? (maintenance < 0 ? 1 : 0) : Math.min(1, Math.max(0, (equity - maintenance) / equity));

export const Gauge = ({ margins }: { margins: MarginView }): ReactNode => {
  const used = usedPart(margins);
  const tone = used > 0.85 ? "var(--bad)" : used > 0.6 ? "var(--warn)" : "var(--good)";
  return (
    <div className="stack">
      <div className="two">
        <div>
          <h3>Equity</h3>
          <div className="big-number">{money(margins.equity)} USDC</div>
        </div>
        <div>
          <h3>Left before liquidation</h3>
          <div className={margins.maintenance < 0 ? "big-number bad" : "big-number"} data-testid="maintenance">
            {money(margins.maintenance)} USDC
          </div>
        </div>
      </div>
      <div
        role="meter"
        aria-label="Margin used"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(used * 100)}
        aria-valuetext={`${percent(used, 0)} of equity is required`}
      >
        <svg className="gauge" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          <rect width={used * 100} height="10" fill={tone} />
        </svg>
      </div>
      <p className="muted">
        {percent(used, 1)} of equity is required · free margin {money(margins.initial)} USDC · owes{" "}
        {money(margins.liabilities)} USDC
      </p>
    </div>
  );
};
