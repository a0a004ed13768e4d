import type { Words } from '#words/en/index.ts'

/** The API names fields of a request, where the page has a switch with a label. */
export function hintOnPage(hint: string, { restore, backup }: Words): string {
  return hint
    .replaceAll('"overwrite": true', `“${restore.plan.overwrite}”`)
    .replaceAll('even_the_last=true', `“${backup.erasing.even}”`)
}
