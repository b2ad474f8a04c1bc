import { useState, type FormEvent } from "react";
import { useLogin } from "../auth";
import { ThemeButton } from "../layout";

export function SignIn() {
  const { requestCode, signIn } = useLogin();
  const [email, setEmail] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  const startAgain = () => {
    setSent(false);
    setCode("");
    setError("");
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      if (sent) {
        await signIn(email, code);
        return;
      }
      const shown = await requestCode(email);
      setSent(true);
      if (shown) setCode(shown);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="signin">
      <div className="corner">
        <ThemeButton />
      </div>
      <form className="card" onSubmit={(event) => void submit(event)}>
        <img src="/icon.svg" alt="" width="44" height="44" />
        <h1>Welcome to the School</h1>
        <p className="lead">{sent ? `We have sent a code to ${email}.` : "We send you a code; you need no password."}</p>
        <label>
          Email
          <input
            type="email"
            autoComplete="email"
            required
            autoFocus
            value={email}
            readOnly={sent}
            onChange={(event) => setEmail(event.target.value)}
          />
        </label>
        {sent && (
          <label>
            Code
            <input
              autoComplete="one-time-code"
              autoCapitalize="characters"
              spellCheck={false}
              pattern="\s*([0-9A-Za-z]\s*-?\s*){10}"
              required
              autoFocus
              value={code}
              onChange={(event) => setCode(event.target.value.trim())}
            />
          </label>
        )}
        {error && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <button className="button" disabled={busy}>
          {sent ? "Sign in" : "Send me a code"}
        </button>
        {sent && (
          <button type="button" className="button quiet" onClick={startAgain}>
            Another address
          </button>
        )}
        <p className="hint">Trying it out? The code stands in the terminal of the server.</p>
      </form>
    </div>
  );
}
