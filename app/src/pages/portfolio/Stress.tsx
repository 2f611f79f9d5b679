// Equity and what is left to liquidation over moves of price and volatility, by the mirror.
import { type ReactNode, useDeferredValue, useMemo } from "react";

import { needsCheck } from "../../../../sdk/mirror/account.ts";
import { stressOf } from "../../data/preview.ts";
import { compact, percent } from "../../lib/format.ts";
import { Card, Empty } from "../../ui/parts.tsx";
import type { Desk } from "../trade/standing.ts";

const SPOTS = [0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3];
const VOLS = [0.7, 1, 1.3, 1.6];

export const Stress = ({ desk }: { desk: Desk }): ReactNode => {
  const { standing } = useDeferredValue(desk);
  const cells = useMemo(() => stressOf(standing, SPOTS, VOLS), [standing]);
  const now = cells?.find(({ spot, vol }) => spot === 1 && vol === 1);
  const { account } = standing;
  const isEmpty = account.entries.length === 0 && !needsCheck(account);
  const isStill = cells === undefined && !isEmpty && desk.margins !== undefined;
  return (
    <Card title="Stress: equity if all prices and volatilities moved">
      {isEmpty && <Empty>An empty account has nothing to lose.</Empty>}
      {isStill && <Empty>Nothing in it moves with prices.</Empty>}
      {cells === undefined && !isEmpty && !isStill && <Empty>Cannot be reckoned while a price is unusable.</Empty>}
      {cells !== undefined && now !== undefined && !isEmpty && (
        <div className="scroll" tabIndex={0} role="region" aria-label="Stress grid">
          <table className="heat">
            <thead>
              <tr>
                <th scope="col">Vol \ Price</th>
                {SPOTS.map((spot) => (
                  <th key={spot} scope="col">
                    {spot === 1 ? "now" : percent(spot - 1, 0)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {VOLS.map((vol) => (
                <tr key={vol}>
                  <th scope="row">{vol === 1 ? "now" : percent(vol - 1, 0)}</th>
                  {cells
                    .filter((cell) => cell.vol === vol)
                    .map((cell) => {
                      const level =
                        cell.maintenance < 0
                          ? 0
                          : cell.equity < now.equity * 0.9
                            ? 1
                            : cell.equity > now.equity * 1.1
                              ? 3
                              : 2;
                      return (
                        <td
                          key={cell.spot}
                          className={`l${level}`}
                          title={
                            cell.maintenance < 0
                              ? "would be liquidated"
                              : `${compact(cell.maintenance)} left to liquidation`
                          }
                        >
                          {compact(cell.equity)}
                          {cell.maintenance < 0 && <span className="sr-only"> would be liquidated</span>}
                        </td>
                      );
                    })}
                </tr>
              ))}
            </tbody>
          </table>
          <p className="hint">Red: the account would be liquidated.</p>
        </div>
      )}
    </Card>
  );
};
