import { ConvexProviderWithAuth, ConvexReactClient } from "convex/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { LoginProvider, useReactorAuth } from "./auth";
import "./styles.css";

const client = new ConvexReactClient(window.location.origin);

// What a guard caught is shown by it, and the client has said it on the console already.
createRoot(document.getElementById("root")!, { onCaughtError: () => undefined }).render(
  <StrictMode>
    <LoginProvider>
      <ConvexProviderWithAuth client={client} useAuth={useReactorAuth}>
        <App />
      </ConvexProviderWithAuth>
    </LoginProvider>
  </StrictMode>,
);
