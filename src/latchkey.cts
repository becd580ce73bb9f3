#!/usr/bin/env -S node --enable-source-maps --max-semi-space-size=4
/**
 * The command line, `latchkey`. CommonJS, because `serve` sets up the thread pool before an ES module loads
 * (start.cts).
 */
const [command, ...others] = process.argv.slice(2)
if (command === 'serve' && others.length === 0) {
  require('./start.cjs')
} else {
  void import('./cli/cli.js').then(({ main }) => main(process.argv.slice(2)))
}
