/**
 * JSON without what could rewrite a terminal, end a line for some readers or turn its order round, which JSON
 * itself escapes below 0x20 only. It means the same.
 */
export function terminalJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
