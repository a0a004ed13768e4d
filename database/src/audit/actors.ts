/** How the audit, the history and jobs name who acted over HTTP. */
export function actorName(kind: 'key' | 'person', { name, id }: { name: string; id: string }): string {
  return `${kind} ${name.slice(0, 80)} (${id.slice(0, 8)})`
}
