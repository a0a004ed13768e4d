/** Gives the person a file that the page has made. `type`: such as `text/plain`. */
export function saveFile({ name, text, type }: { name: string; text: string; type: string }): void {
  const address = URL.createObjectURL(new Blob([text], { type }))
  saveFrom(address, name)
  URL.revokeObjectURL(address)
}

/**
 * Lets the browser fetch a file, and write it to the disk as the bytes come. Without a name, the server names
 * it.
 */
export function saveFrom(address: string, name = ''): void {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
}
