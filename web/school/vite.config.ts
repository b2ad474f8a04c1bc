import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the page with hot reloading, and asks the school that `make dev` serves for everything else.
const server = process.env.REACTOR_URL ?? "http://127.0.0.1:3210";

export default defineConfig({
  plugins: [react()],
  // The generated files stand with the functions, outside of this folder, and import the client that is installed here.
  resolve: { dedupe: ["convex"], alias: { convex: new URL("./node_modules/convex", import.meta.url).pathname } },
  server: { proxy: { "/api": { target: server, ws: true }, "/http": { target: server } } },
  build: { target: "es2022", chunkSizeWarningLimit: 900 },
});
