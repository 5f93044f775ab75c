import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';

import { App } from './app.tsx';
import { client } from './gateway/client.ts';
import { en } from './i18n/en.ts';
import { LanguageProvider } from './i18n/language.tsx';
import { tn } from './i18n/tn.ts';
import './style.css';

const root = createRoot(document.querySelector('#root') ?? document.body);

if (mayKeep()) {
  root.render(
    <StrictMode>
      <Provider value={client}>
        <LanguageProvider>
          <App />
        </LanguageProvider>
      </Provider>
    </StrictMode>,
  );
} else {
  root.render(
    <main className="panel alone">
      <p>{en.cannotKeep}</p>
      <p lang="tn">{tn.cannotKeep}</p>
    </main>,
  );
}

/** Without storage a reload would forget the key of a purchase under way. */
function mayKeep(): boolean {
  try {
    localStorage.setItem('counter.test', 'kept');
    localStorage.removeItem('counter.test');
    return true;
  } catch {
    return false;
  }
}
