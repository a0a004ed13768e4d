import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

export interface Fact {
  name: string
  /** Undefined: the fact is left out. */
  value: ReactNode
}

/** What is known of one thing, name beside value. */
export function Facts({ caption, facts }: { caption: string; facts: readonly Fact[] }) {
  return (
    <Table aria-label={caption} verticalSpacing={6} withRowBorders={false} layout="auto">
      <Table.Tbody>
        {facts
          .filter(({ value }) => value !== undefined)
          .map(({ name, value }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400} c="dimmed" w="12rem" style={{ verticalAlign: 'top' }}>
                {name}
              </Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
      </Table.Tbody>
    </Table>
  )
}
