/** Starts the page: the store with its wasm reducer, React. */

import "./style.css";
import "./notices.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "react-redux";
import { UserNameProvider } from "./user-name.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error('expected an element with id "root" in index.html');

try {
  // Imported here, so that a browser that cannot load the wasm says so instead of staying blank.
  const [{ App }, { noticeOutcomes }, { store }] = await Promise.all([
    import("./app.tsx"),
    import("./outcomes.ts"),
    import("./store.ts"),
  ]);
  noticeOutcomes(store);
  createRoot(root).render(
    <StrictMode>
      <Provider store={store}>
        <UserNameProvider>
          <App />
        </UserNameProvider>
      </Provider>
    </StrictMode>,
  );
} catch (error) {
  root.textContent =
    "The page could not start. Please reload it; if that does not help, try a newer browser.";
  root.title = String(error);
  root.className = "failure";
  throw error;
}
