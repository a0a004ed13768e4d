import { createHash } from 'node:crypto'
import type { DrillEvidence } from '@telegram-backup/archive'
import type { EvidenceDetails } from '#proof/evidence-details.ts'
import { number, placeWords, RESULTS, scopeWords, timeWords } from '#proof/evidence-words.ts'
import { formatBytes, formatSpan } from '#units/human-units.ts'

/** One page for a usual database; a page for people need not name all. */
const MOST_TABLES = 60
const MOST_EXCEPTIONS = 100

const STYLE = `
@page { size: A4; margin: 14mm 18mm }
* { box-sizing: border-box }
body { font: 9pt/1.3 "Liberation Sans", Arial, Helvetica, sans-serif; color: #1a1a1a; margin: 0 auto; max-width: 174mm; padding: 8mm 0 }
article + article { break-before: page; margin-top: 20mm }
h1 { font-size: 17pt; margin: 0 0 1mm }
h2 { font-size: 10.5pt; margin: 3.5mm 0 1mm; padding-bottom: .6mm; border-bottom: .3mm solid #999; break-after: avoid }
p { margin: 0 0 1.5mm }
.under { color: #555; margin-bottom: 3mm }
.result { border: .4mm solid; border-left-width: 2.5mm; padding: 2.5mm 4mm; margin: 0 }
.result b { font-size: 13pt; display: block }
.good { border-color: #1b6e3c; background: #eef7f1 } .good b { color: #1b6e3c }
.middling { border-color: #8a6100; background: #fdf6e3 } .middling b { color: #8a6100 }
.bad { border-color: #a11212; background: #fbeeee } .bad b { color: #a11212 }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: normal; color: #555; vertical-align: top; padding: .35mm 4mm .35mm 0; width: 42mm }
td { vertical-align: top; padding: .35mm 0; overflow-wrap: anywhere }
.numbers { columns: 2; column-gap: 8mm; margin: 0; padding: 0; list-style: none; font-size: 8pt }
.numbers li { display: flex; gap: 3mm; justify-content: space-between; break-inside: avoid; border-bottom: .2mm dotted #bbb }
.numbers li span { overflow-wrap: anywhere } .numbers li span + span { white-space: nowrap; overflow-wrap: normal }
.list { margin: 0; padding-left: 5mm } .list li { overflow-wrap: anywhere }
code { font: 8pt/1.25 "Liberation Mono", Consolas, monospace; overflow-wrap: anywhere }
.sign { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 8mm; margin-top: 8mm }
.sign span { border-top: .3mm solid #333; padding-top: .8mm; color: #555; font-size: 8.5pt }
@media print { body { padding: 0; max-width: none } article + article { margin-top: 0 } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
`

/** For the answer of an HTTP server, and in the page itself: no script, no other resource. */
export const EVIDENCE_POLICY: string = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** A page to print: each drill on a sheet of its own. Every text of a record is data. */
export function evidencePage(drills: readonly EvidenceDetails[]): string {
  const sheets = drills.flatMap(one => (one.record.kind === 'drill' ? [sheetOf(one, one.record)] : []))
  const [first] = drills
  const title =
    drills.length === 1 && first !== undefined
      ? `Restore test ${first.id.slice(0, 8)} of ${first.project_id}`
      : 'Restore tests'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${EVIDENCE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${sheets.length === 0 ? '<p>There is no evidence of a drill in this export.</p>' : sheets.join('\n')}
</body>
</html>
`
}

function sheetOf(details: EvidenceDetails, record: DrillEvidence): string {
  const { source, outcome } = record
  const { title, words } = RESULTS[outcome]
  const isWhole = record.not_covered.length === 0
  const mood =
    outcome === 'passed' ? (isWhole ? 'good' : 'middling') : outcome === 'not compared' ? 'middling' : 'bad'
  const name = source.name ?? source.project
  return `<article>
<h1>Restore test report</h1>
<p class="under">${escaped(name)} (${escaped(source.type)}) · ${timeWords(record.drill.ended_at)} · record ${record.number}</p>
<p class="result ${mood}"><b>${title}</b>${words}${isWhole || outcome !== 'passed' ? '' : ' Not everything could be compared: see the exceptions.'}</p>
${section('What was tested', facts(testedFacts(record)))}
${section('How it was tested', facts(testFacts(record)))}
${section('Recovery', facts(recoveryFacts(record)))}
${tables(record)}
${section('Exceptions', exceptions(record))}
${section('Review', reviews(details))}
${section('Authenticity', facts(proofFacts(details, record)))}
</article>`
}

type Facts = (readonly [name: string, html: string] | undefined)[]

function testedFacts({ source, backup }: DrillEvidence): Facts {
  return [
    ['Source', escaped(source.name ?? 'not named in the configuration')],
    ['Project, type', `${escaped(source.project)}, ${escaped(source.type)}`],
    ['Backup', `<code>${backup.id}</code>`],
    ['State of the data', `${timeWords(backup.created_at)}, when the backup began`],
    ['Size', `${formatBytes(backup.size)} before compression`],
    backup.manifest_sha256 === undefined
      ? undefined
      : ['List of its parts', `SHA-256 <code>${backup.manifest_sha256}</code>`],
    backup.signer === undefined ? undefined : ['Signed by the key', `<code>${escaped(backup.signer)}</code>`],
  ]
}

function testFacts(record: DrillEvidence): Facts {
  const { drill, server_version, program_version, started_by } = record
  return [
    ['Restored in', escaped(placeWords(record))],
    server_version === undefined ? undefined : ['PostgreSQL there', escaped(server_version)],
    ['Began, ended', `${timeWords(drill.started_at)}, ${timeWords(drill.ended_at)}`],
    ['Started by', escaped(started_by)],
    ['Program', `telegram-backup ${escaped(program_version)}`],
    ['What was compared', escaped(scopeWords(record))],
  ]
}

function recoveryFacts({ recovery_point_seconds, recovery_seconds, drill }: DrillEvidence): Facts {
  const { phases } = drill
  const times = phases && [
    `fetch ${formatSpan(phases.fetch_seconds)}`,
    `open ${formatSpan(phases.open_seconds)}`,
    `restore ${formatSpan(phases.restore_seconds)}`,
  ]
  return [
    ['Recovery point', `The data was ${formatSpan(recovery_point_seconds)} old when the test began`],
    recovery_seconds === undefined
      ? ['Recovery time', 'Nothing was restored']
      : ['Recovery time', `${formatSpan(recovery_seconds)}${times ? `: ${times.join(', ')}` : ''}`],
    phases && ['Time to compare', formatSpan(phases.compare_seconds)],
  ]
}

function tables({ tables: compared }: DrillEvidence): string {
  if (compared === undefined || compared.named.length === 0) return ''
  const shown = compared.named.slice(0, MOST_TABLES)
  const further = compared.named.length - shown.length + compared.further
  const rows = shown.map(({ table, rows: count, result }) => {
    const size = count === null ? 'not counted' : `${number(count)} ${count === 1 ? 'row' : 'rows'}`
    return `<li><span>${escaped(table)}</span><span>${size}, ${result}</span></li>`
  })
  const rest =
    further === 0 ? '' : `<p>and ${number(further)} smaller tables, which the record or its counts cover</p>`
  return section('Tables', `<ul class="numbers">${rows.join('')}</ul>${rest}`)
}

function exceptions(record: DrillEvidence): string {
  const { error, differences, differences_further, not_covered, not_covered_further } = record
  const lines = [
    ...(error === undefined ? [] : [`${escaped(error.words)} (${escaped(error.code)})`]),
    ...differences.map(({ reason }) => `Differs: ${escaped(reason)}`),
    ...(differences_further === 0 ? [] : [`and ${number(differences_further)} further differences`]),
    ...not_covered.map(({ table, reason }) => `Not compared: ${escaped(table)}: ${escaped(reason)}`),
    ...(not_covered_further === 0 ? [] : [`and ${number(not_covered_further)} further ones not compared`]),
  ]
  if (lines.length === 0) return '<p>None.</p>'
  const shown = lines.slice(0, MOST_EXCEPTIONS)
  const rest = lines.length - shown.length
  const more = rest === 0 ? '' : `<li>and ${number(rest)} further ones, in the record itself</li>`
  return `<ul class="list">${shown.map(line => `<li>${line}</li>`).join('')}${more}</ul>`
}

function reviews({ reviews: all }: EvidenceDetails): string {
  const lines = all.map(
    ({ name, note, at }) => `<p><b>${escaped(name)}</b>, ${timeWords(at)}: ${escaped(note)}</p>`,
  )
  if (lines.length > 0) return lines.join('')
  return '<div class="sign"><span>Reviewed by</span><span>Date</span><span>Signature</span></div>'
}

function proofFacts({ sha256, signer, messages }: EvidenceDetails, record: DrillEvidence): Facts {
  const places = messages.map(({ chat_id, message_id, sent_at }) => {
    const when = sent_at === null ? '' : `, dated ${timeWords(sent_at)} by Telegram`
    return `message ${message_id} of chat ${escaped(chat_id)}${when}`
  })
  return [
    ['Record', `number ${record.number}, <code>${record.id}</code>`],
    ['Its SHA-256', `<code>${sha256}</code>`],
    ['Record before it', record.previous === undefined ? 'none' : `SHA-256 <code>${record.previous}</code>`],
    ['Signed by the key', `<code>${escaped(signer)}</code>`],
    [
      'To check it',
      'This page is a copy in words. The signed record is in the file of the export; the program checks it on any machine, with the fingerprint from the recovery card',
    ],
    ['Kept in', places.length === 0 ? 'the catalog alone so far' : places.join('; ')],
  ]
}

function section(title: string, html: string): string {
  return `<section><h2>${title}</h2>${html}</section>`
}

function facts(all: Facts): string {
  const rows = all.filter(fact => fact !== undefined)
  return `<table>${rows.map(([name, html]) => `<tr><th>${name}</th><td>${html}</td></tr>`).join('')}</table>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text of others: no markup, and no characters that turn the direction of writing or control a terminal. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"']/g, character => ENTITIES[character] ?? '')
}
