import styles from '#charts/charts.module.css'
import { type Column, DataTable } from '#shell/data-table.tsx'
import { useWords } from '#words/language.tsx'

/** What a picture shows, as a table that a person can open below it. */
export function FactsTable<Row>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}) {
  const { charts } = useWords()
  return (
    <details className={styles.facts}>
      <summary>{charts.showAsTable}</summary>
      <div className={styles.scroll}>
        <DataTable caption={caption} columns={columns} rows={rows} keyOf={keyOf} />
      </div>
    </details>
  )
}
