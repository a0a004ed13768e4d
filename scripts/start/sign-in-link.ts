import type { OwnProgram } from '#start/own-program.ts'

/** A link that signs an administrator in, once. */
export async function makeSignInLink(program: OwnProgram, url: string): Promise<string> {
  const { key } = await program.run<{ key: string }>(
    'apikey',
    'create',
    '--name',
    'sample',
    '--scope',
    'admin',
  )
  return `${url}/docs (${key})`
}
