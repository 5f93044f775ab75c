interface TextFieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly unit?: string | undefined;
  /** How much was typed: seen, but not read out at every key. */
  readonly count?: string | undefined;
  readonly good?: string | undefined;
  readonly wrong?: string | undefined;
  readonly value: string;
  readonly inputMode: 'numeric' | 'decimal' | 'tel';
  readonly onChange: (value: string) => void;
  readonly onLeave: () => void;
}

export function TextField(props: TextFieldProps) {
  const { name, label, hint, unit, count, good, wrong, value, inputMode, onChange, onLeave } = props;
  const state = wrong !== undefined ? 'is-wrong' : good !== undefined ? 'is-good' : '';
  return (
    <div className={`field ${state}`}>
      <label className="label" htmlFor={name}>
        {label}
      </label>
      <span className="input">
        {unit !== undefined && <span className="unit">{unit}</span>}
        <input
          id={name}
          name={name}
          value={value}
          inputMode={inputMode}
          autoComplete="off"
          required
          aria-invalid={wrong !== undefined}
          aria-describedby={`${name}-hint ${name}-told`}
          onChange={(event) => onChange(event.target.value)}
          onBlur={onLeave}
        />
      </span>
      <span className="below">
        <span id={`${name}-hint`} className="hint">
          {hint}
          {count !== undefined && <span aria-hidden="true"> · {count}</span>}
        </span>
        <span id={`${name}-told`} aria-live="polite">
          {wrong !== undefined ? (
            <span className="wrong">{wrong}</span>
          ) : (
            good !== undefined && <span className="good">{good}</span>
          )}
        </span>
      </span>
    </div>
  );
}
