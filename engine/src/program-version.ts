import { readFileSync } from 'node:fs'

export function programVersion(): string {
  const manifest = readFileSync(new URL(import.meta.resolve('#package.json')), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
