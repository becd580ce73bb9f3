/**
 * Bundles the service, its command line and its migrations into dist/bin, which `npm start` and the image run. Loading
 * one file instead of a thousand modules takes less than half of the processor time (docs/decisions.md).
 */
import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'

/** Packages that load binaries, or serve files of their own. */
const EXTERNAL = ['libsql', 'argon2', '@node-rs/argon2', '@fastify/swagger-ui']

/** Maps nothing. Node reads the maps at the start, and the dependencies' parts would be most of them. */
const EMPTY_MAP = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64')

/** @type {import('esbuild').Plugin} */
const withoutMapsOfDependencies = {
  name: 'without-maps-of-dependencies',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${EMPTY_MAP}`,
      loader: 'js',
    }))
  },
}

/** @type {import('esbuild').BuildOptions} */
const common = {
  outdir: 'dist/bin',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
}

await build({
  ...common,
  entryPoints: {
    server: 'src/server.ts',
    'process-log': 'src/process-log.ts',
    migrate: 'src/migrate.ts',
    'cli/cli': 'src/cli/cli.ts',
    'smtp-thread': 'src/mail/smtp-thread.ts',
  },
  bundle: true,
  splitting: true,
  format: 'esm',
  external: ['pg-native', ...EXTERNAL],
  plugins: [withoutMapsOfDependencies],
  // CommonJS dependencies call `require` for modules of Node.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
})
// CommonJS, and small: these import the files above.
await build({
  ...common,
  entryPoints: ['src/start.cts', 'src/latchkey.cts'],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
})
