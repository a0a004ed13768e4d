// biome-ignore-all lint/a11y/noRedundantRoles: with another display, a table loses its own roles.
import type { ReactNode } from 'react'
import styles from '#shell/data-table.module.css'

/** A column of a `DataTable`. */
export interface Column<Row> {
  key: string
  header: ReactNode
  /** The header as text, shown beside the value where the table is narrow; empty: the value stands alone. */
  label: string
  cell(row: Row): ReactNode
  /** Numbers stand to the right. */
  isNumber?: boolean
  /** Of the column that the table is sorted by. */
  sort?: 'ascending' | 'descending' | undefined
}

/** A table with one row for each thing; on a phone, each row becomes a card. It stays a table for readers. */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  /** What the table shows; for screen readers. */
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}) {
  return (
    <table className={styles.table} role="table" aria-label={caption}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ key, header, isNumber, sort }) => (
            <th
              key={key}
              role="columnheader"
              scope="col"
              data-number={isNumber || undefined}
              aria-sort={sort}
            >
              {header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(row => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ key, label, cell, isNumber }) => (
              <td key={key} role="cell" data-label={label} data-number={isNumber || undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
