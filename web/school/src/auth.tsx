import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

/** What the school's login answers. `code` comes only where it is tried out. */
interface Answer {
  token?: string;
  name?: string;
  code?: string;
  sent?: boolean;
}

interface Login {
  /** null: not known yet. */
  token: string | null | undefined;
  requestCode: (email: string) => Promise<string | undefined>;
  signIn: (email: string, code: string) => Promise<void>;
  signOut: () => Promise<void>;
  refresh: () => Promise<string | null>;
}

const LoginContext = createContext<Login | null>(null);

/** The server said no; a request that found no server ends in another error. */
class Refused extends Error {}

async function ask(path: string, body: object = {}): Promise<Answer> {
  const answer = await fetch(`/http/login/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status >= 500) throw new Error("The server cannot do that now. Try again later.");
  const fields = await answer.json();
  if (!answer.ok) throw new Refused(explanations[fields.code as string] ?? "That did not work. Try again later.");
  return fields;
}

const explanations: Record<string, string> = {
  WRONG_CODE: "This code is wrong or too old.",
  TOO_MANY_CODES: "That were many codes. Use one of those you have, or wait an hour.",
  NO_EMAIL: "This is no email address.",
  NOT_SIGNED_IN: "Sign in first.",
};

export function LoginProvider({ children }: { children: ReactNode }) {
  const [token, setToken] = useState<string | null | undefined>(undefined);

  const refresh = useCallback(async () => {
    for (;;) {
      try {
        const { token } = await ask("refresh");
        setToken((known) => known ?? token ?? null);
        return token ?? null;
      } catch (failure) {
        if (failure instanceof Refused) {
          setToken(null);
          return null;
        }
        // A server that is away for a moment signs nobody out.
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }, []);

  useEffect(() => {
    // Whoever never signed in here has nothing to renew, and is not asked about.
    if (localStorage.getItem("signedIn") === "yes") void refresh();
    else setToken(null);
  }, [refresh]);

  useEffect(() => {
    // Signing out in one window signs the others of this browser out, too; signing in likewise.
    const onStorage = (event: StorageEvent) => {
      if (event.key !== "signedIn") return;
      if (event.newValue === "yes") void refresh();
      else setToken(null);
    };
    window.addEventListener("storage", onStorage);
    return () => window.removeEventListener("storage", onStorage);
  }, [refresh]);

  const login = useMemo<Login>(
    () => ({
      token,
      refresh,
      requestCode: async (email) => (await ask("code", { email })).code,
      signIn: async (email, code) => {
        const answer = await ask("token", { email, code });
        localStorage.setItem("signedIn", "yes");
        setToken(answer.token ?? null);
      },
      signOut: async () => {
        await ask("out");
        localStorage.removeItem("signedIn");
        setToken(null);
      },
    }),
    [token, refresh],
  );
  return <LoginContext.Provider value={login}>{children}</LoginContext.Provider>;
}

export function useLogin(): Login {
  const login = useContext(LoginContext);
  if (login === null) throw new Error("LoginProvider is missing");
  return login;
}

/** For ConvexProviderWithAuth: whether somebody is signed in, and tokens, a fresh one when the server wants it. */
export function useReactorAuth() {
  const { token, refresh } = useLogin();
  const fetchAccessToken = useCallback(
    async ({ forceRefreshToken }: { forceRefreshToken: boolean }) =>
      forceRefreshToken || !token ? await refresh() : token,
    [token, refresh],
  );
  return useMemo(
    () => ({ isLoading: token === undefined, isAuthenticated: Boolean(token), fetchAccessToken }),
    [token, fetchAccessToken],
  );
}
