// What all tickets share: side, size by leverage, what is missing, and the button.
import type { ReactNode } from "react";

import type { Outcome } from "../../data/preview.ts";
import { decimal, money } from "../../lib/format.ts";
import { Notice, Segments } from "../../ui/parts.tsx";
import type { Desk } from "./standing.ts";

export const SideChoice = <T extends string>({
  sides: [up, down],
  labels,
  value,
  onChange,
}: {
  sides: readonly [T, T];
  labels: readonly [string, string];
  value: T;
  onChange: (value: T) => void;
}): ReactNode => (
  <Segments
    label="Side"
    tone
    value={value}
    onChange={onChange}
    options={[
      { value: up, label: labels[0], tone: "good" },
      { value: down, label: labels[1], tone: "bad" },
    ]}
  />
);

/** `notional` and `equity` in settlement units; answers with a notional. */
export const LeverageSlider = ({
  id,
  equity,
  notional,
  most,
  isOff = false,
  onChange,
}: {
  id: string;
  equity: number;
  notional: number;
  most: number;
  isOff?: boolean;
  onChange: (notional: number) => void;
}): ReactNode => {
  const times = equity > 0 ? notional / equity : 0;
  return (
    <div className="field">
      <div className="field-label">
        <label htmlFor={id}>Size by leverage</label>
        <span>{equity > 0 ? `${decimal(times, 2)}×` : "–"}</span>
      </div>
      <input
        id={id}
        type="range"
        min={0}
        max={most}
        step={0.1}
        disabled={equity <= 0 || isOff}
        value={Math.min(most, times)}
        aria-valuetext={equity > 0 ? `${decimal(times, 1)} times` : "no equity"}
        onChange={(event) => onChange(Number(event.target.value) * equity)}
      />
    </div>
  );
};

/** What to do about missing margin. `reduced`: the size that would pass, with its unit; undefined where none is worth saying. */
export const Advice = ({
  outcome,
  reduced,
}: {
  outcome: Outcome | undefined;
  reduced: () => string | undefined;
}): ReactNode => {
  if (outcome === undefined || outcome.short === 0) return null;
  const size = reduced();
  return (
    <Notice tone="warn">
      Deposit {money(Math.ceil(outcome.short))} USDC more{size === undefined ? "." : `, or reduce to ${size}.`}
    </Notice>
  );
};

export const wouldPass = (outcome: Outcome | undefined): boolean =>
  outcome?.after !== undefined && outcome.short === 0 && outcome.refused === undefined;

/** The ticket's own button, or what has to come before it. */
export const TicketButton = ({
  desk,
  onDeposit,
  onSend,
  isReady,
  children,
}: {
  desk: Desk;
  onDeposit: () => void;
  onSend: () => Promise<void>;
  isReady: boolean;
  children: ReactNode;
}): ReactNode =>
  (desk.margins?.equity ?? 0) <= 0 ? (
    <button type="button" className="primary" onClick={onDeposit}>
      {desk.id === undefined ? "Connect a wallet to trade" : "Deposit to begin"}
    </button>
  ) : (
    <button type="button" className="primary" disabled={!isReady} onClick={() => void onSend()}>
      {children}
    </button>
  );
