import { ConvexProviderWithAuth, ConvexReactClient } from "convex/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { LoginProvider, useReactorAuth } from "./auth";
import "./styles.css";

const client = new ConvexReactClient(window.location.origin);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <LoginProvider>
      <ConvexProviderWithAuth client={client} useAuth={useReactorAuth}>
        <App />
      </ConvexProviderWithAuth>
    </LoginProvider>
  </StrictMode>,
);
