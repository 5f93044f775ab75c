import { useState } from 'react';

import { useTexts } from '../i18n/language.tsx';

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const texts = useTexts();
  const [told, setTold] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold(texts.copied);
    } catch {
      setTold(texts.copyFailed);
    }
  };
  return (
    <span className="copy">
      <button type="button" className="small" onClick={() => void copy()}>
        {label ?? texts.copy}
      </button>
      <span role="status">{told}</span>
    </span>
  );
}
