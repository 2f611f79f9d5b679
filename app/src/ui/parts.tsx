// Small parts that every page is made of.
import { getAddress } from "ethers";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";

import { shortAddress } from "../lib/format.ts";

export const Address = ({ value, label = "address" }: { value: string; label?: string }): ReactNode => {
  const [copied, setCopied] = useState(false);
  const whole = getAddress(value);
  return (
    <button
      type="button"
      className="address"
      title={whole}
      aria-label={`Copy ${label} ${copied ? "Copied" : shortAddress(whole)}, ${whole}`}
      onClick={() => {
        void navigator.clipboard.writeText(whole).then(
          () => setCopied(true),
          () => setCopied(false),
        );
        setTimeout(() => setCopied(false), 1_500);
      }}
    >
      {copied ? "Copied" : shortAddress(whole)}
    </button>
  );
};

export const Card = ({
  title,
  children,
  aside,
  className = "",
}: {
  title?: string;
  children: ReactNode;
  aside?: ReactNode;
  className?: string;
}): ReactNode => {
  const id = useId();
  return (
    <section className={`card ${className}`} {...(title !== undefined && { "aria-labelledby": id })}>
      {title !== undefined && (
        <header className="card-head">
          <h2 id={id}>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
};

export type Tone = "good" | "bad" | "warn" | "info" | "plain";

export const Notice = ({ tone = "info", children }: { tone?: Tone; children: ReactNode }): ReactNode => (
  <p className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
    {children}
  </p>
);

export const Badge = ({ tone = "plain", children }: { tone?: Tone; children: ReactNode }): ReactNode => (
  <span className={`badge ${tone}`}>{children}</span>
);

/** An amount with its unit, and a button for all there is. */
export const AmountField = ({
  label,
  value,
  onChange,
  unit,
  most,
  hint,
  error,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  unit: string;
  most?: string;
  hint?: ReactNode;
  error?: string;
}): ReactNode => {
  const id = useId();
  return (
    <div className="field">
      <div className="field-label">
        <label htmlFor={id}>{label}</label>
        {most !== undefined && (
          <button type="button" className="link" onClick={() => onChange(most)}>
            Max {most}
          </button>
        )}
      </div>
      <div className="input">
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          placeholder="0"
          value={value}
          aria-invalid={error !== undefined}
          {...((hint !== undefined || error !== undefined) && { "aria-describedby": `${id}-hint` })}
          onChange={(event) => {
            const next = event.target.value.replace(",", ".");
            if (/^\d*\.?\d*$/.test(next)) onChange(next);
          }}
        />
        <span className="unit">{unit}</span>
      </div>
      {(hint !== undefined || error !== undefined) && (
        <div id={`${id}-hint`} className={error === undefined ? "hint" : "hint bad"}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
};

export const Select = <T extends string>({
  label,
  value,
  options,
  onChange,
  hidden = false,
}: {
  label: string;
  value: T;
  options: readonly { readonly value: T; readonly label: string }[];
  onChange: (value: T) => void;
  hidden?: boolean;
}): ReactNode => {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id} className={hidden ? "sr-only" : "field-label"}>
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
};

/** A choice of a few: radio buttons that look like one control. */
export const Segments = <T extends string>({
  label,
  value,
  options,
  onChange,
  tone,
}: {
  label: string;
  value: T;
  options: readonly { readonly value: T; readonly label: string; readonly tone?: Tone }[];
  onChange: (value: T) => void;
  tone?: boolean;
}): ReactNode => {
  const name = useId();
  return (
    <fieldset className={`segments ${tone === true ? "toned" : ""}`}>
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={`${option.value === value ? "on" : ""} ${option.tone ?? ""}`}>
          <input
            type="radio"
            name={name}
            className="sr-only"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
};

/** A modal by the platform: focus is kept inside, Escape closes. */
export const Dialog = ({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}): ReactNode => {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
    >
      <div className="dialog">
        <header className="card-head">
          <h2 id={id}>{title}</h2>
          <button type="button" className="icon" aria-label="Close" onClick={() => ref.current?.close()}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
};

export const Row = ({
  label,
  children,
  strong = false,
}: {
  label: ReactNode;
  children: ReactNode;
  strong?: boolean;
}): ReactNode => (
  <div className={strong ? "row strong" : "row"}>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

export const Empty = ({ children }: { children: ReactNode }): ReactNode => <p className="empty">{children}</p>;

export const Loading = ({ what }: { what: string }): ReactNode => (
  <p className="empty" role="status">
    Loading {what} …
  </p>
);

/** A table that scrolls by itself on narrow screens, with a name for screen readers. `words`: all but the last column are text. */
export const Table = ({
  label,
  head,
  words = false,
  children,
}: {
  label: string;
  head: readonly string[];
  words?: boolean;
  children: ReactNode;
}): ReactNode => (
  <div className="scroll" tabIndex={0} role="region" aria-label={label}>
    <table {...(words && { className: "words" })}>
      <thead>
        <tr>
          {head.map((each, i) => (
            <th key={each + String(i)} scope="col">
              {each === "" ? <span className="sr-only">Actions</span> : each}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
