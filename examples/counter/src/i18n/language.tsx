import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';

import { en } from './en.ts';
import { tn } from './tn.ts';

const languages = { en, tn } as const;
type Language = keyof typeof languages;
const KEPT_AS = 'counter.language';

const LanguageContext = createContext<{ language: Language; speak: (language: Language) => void }>({
  language: 'en',
  speak: () => undefined,
});

/** The language of last time, else the browser's where we have it, else English. */
function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === 'en' || kept === 'tn') return kept;
  return navigator.language.startsWith('tn') ? 'tn' : 'en';
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = languages[language].title;
  }, [language]);
  const speak = (chosen: Language) => {
    localStorage.setItem(KEPT_AS, chosen);
    setLanguage(chosen);
  };
  return <LanguageContext value={{ language, speak }}>{children}</LanguageContext>;
}

export const useTexts = () => languages[useContext(LanguageContext).language];

export function LanguageSwitch() {
  const { language, speak } = useContext(LanguageContext);
  const texts = useTexts();
  return (
    <div className="switch" role="group" aria-label={texts.language}>
      <button type="button" lang="en" aria-pressed={language === 'en'} onClick={() => speak('en')}>
        English
      </button>
      <button type="button" lang="tn" aria-pressed={language === 'tn'} onClick={() => speak('tn')}>
        Setswana
      </button>
    </div>
  );
}
