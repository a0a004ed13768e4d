import react from '@vitejs/plugin-react'
import { defineConfig, type UserConfig } from 'vite'

/**
 * `SERVE_URL` and `SERVE_KEY`: for `npm run dev -w web`, a running `serve` and a key of its HTTP API, so that
 * a screen can be worked on without signing in.
 */
const { SERVE_URL = 'http://127.0.0.1:8080', SERVE_KEY } = process.env

const config: UserConfig = defineConfig({
  plugins: [react()],
  // Below any path: `serve` writes where the page is into its `<base>`.
  base: './',
  // `serve` replaces it by the nonce of the answer.
  html: { cspNonce: '__NONCE__' },
  build: {
    target: 'es2024',
    // Browsers that know light-dark() themselves: what would stand for it needs the colour scheme in each
    // file.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    // Nothing inline: the policy of the page allows files of its own alone.
    assetsInlineLimit: 0,
    // The licenses of what is bundled, as these want it.
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The gate measures what the first screen loads.
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    proxy: {
      '/api': {
        target: SERVE_URL,
        ...(SERVE_KEY !== undefined && { headers: { Authorization: `Bearer ${SERVE_KEY}` } }),
      },
    },
  },
})

export default config
