import { createClient } from '@hey-api/openapi-ts'

/** Writes the client of the page for that document into the folder. */
export async function generateClient(document: Record<string, unknown>, folder: string): Promise<void> {
  await createClient({
    input: document,
    output: { path: folder, clean: false },
    plugins: [
      { name: '@hey-api/client-fetch', throwOnError: true },
      '@hey-api/typescript',
      { name: '@hey-api/sdk', validator: false },
      '@tanstack/react-query',
    ],
    logs: { level: 'silent' },
  })
}
