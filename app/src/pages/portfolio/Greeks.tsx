import type { ReactNode } from "react";

import type { AccountData } from "../../data/account.ts";
import { useSite } from "../../data/hooks.ts";
import { decimal, money, toNumber } from "../../lib/format.ts";
import { Card, Empty, Row } from "../../ui/parts.tsx";

const DAYS = 365;
const POINTS = 100;

/** Of spot, perps and options together, as the lens reckons them. */
export const Greeks = ({ data }: { data: AccountData }): ReactNode => {
  const { venue } = useSite();
  const list = data.ledger?.underlyings ?? [];
  return (
    <Card title="Greeks">
      {list.length === 0 && <Empty>None without spot or positions.</Empty>}
      {list.map((each) => {
        const name = venue.underlyings[Number(each.number)] ?? String(each.number);
        return (
          <div key={name}>
            <h3>{name}</h3>
            <dl>
              <Row label="Delta">
                {decimal(toNumber(each.delta), 4)} {name}
              </Row>
              <Row label="Gamma">{decimal(toNumber(each.gamma), 6)}</Row>
              <Row label="Vega, per vol point">{money(toNumber(each.vega) / POINTS)}</Row>
              <Row label="Theta, per day">{money(toNumber(each.theta) / DAYS)}</Row>
              <Row label="Rho, per percent">{money(toNumber(each.rho) / POINTS)}</Row>
            </dl>
          </div>
        );
      })}
    </Card>
  );
};
