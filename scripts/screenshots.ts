// Takes the pictures of docs/page.md from a running sample: `npm start -- --fresh`, then
// `npm run screenshots -- LINK` with the link that it prints. Names of screens behind it take those alone.
import { takePictures } from '#screenshots/take-pictures.ts'

const [link, ...wanted] = process.argv.slice(2)
if (link === undefined) {
  process.stderr.write(
    'error: The link is missing\nhint: npm start -- --fresh, then npm run screenshots -- LINK\n',
  )
  process.exitCode = 2
} else {
  await takePictures(link, wanted)
}
