import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'

/** The page as it was built. Its files stay those of the start, also when they are built again meanwhile. */
export interface BuiltPage {
  /** By their paths, such as `/assets/index-B8XiP6_l.js`. */
  files: ReadonlyMap<string, PageFile>
  /**
   * The document for a request to that path, which has a nonce of its own.
   * @param isSignedOut known without asking the catalog; the page then shows the sign-in at once
   */
  documentAt(path: string, isSignedOut: boolean): PageDocument
}

export interface PageFile {
  contentType: string
  bytes: Buffer
  /** Undefined for a file that does not become shorter. Compressed once, when it is asked for first. */
  gzipped(): Promise<Buffer | undefined>
  /** Its name changes with its content. */
  isHashed: boolean
}

export interface PageDocument {
  html: string
  /** 128 random bits; only scripts and styles with it are run. */
  nonce: string
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
const DOCUMENT = 'index.html'
const NONCE = '__NONCE__'
const BASE = '<base href="./" />'
const SESSION = '<meta name="session" content="unknown" />'
const NONCE_BYTES = 16

/** Reads the page from the folder that `npm run build:page` writes. Undefined if it has not been built. */
export async function readPage(folder: string): Promise<BuiltPage | undefined> {
  const template = await readFile(join(folder, DOCUMENT), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  // Of another build, it would be a page that its policy stops, or one that finds none of its files.
  if (template === undefined || ![NONCE, BASE, SESSION].every(part => template.includes(part)))
    return undefined
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, PageFile>()
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(folder, file).replaceAll(sep, '/')}`
    if (entry.isFile() && path !== `/${DOCUMENT}`) files.set(path, await readPageFile(file, path))
  }
  return { files, documentAt: (path, isSignedOut) => drawDocument(template, path, isSignedOut) }
}

async function readPageFile(file: string, path: string): Promise<PageFile> {
  const bytes = await readFile(file)
  let compressed: Promise<Buffer | undefined> | undefined
  return {
    contentType: CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
    bytes,
    gzipped: () => {
      compressed ??= compress(bytes)
      return compressed
    },
    isHashed: path.startsWith('/assets/'),
  }
}

async function compress(bytes: Buffer): Promise<Buffer | undefined> {
  const shorter = await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION })
  return shorter.length < bytes.length ? shorter : undefined
}

/**
 * The base leads from the document to the page relative to where the document is, so that it is right below
 * any path that a proxy takes away, which this program never learns.
 */
function drawDocument(template: string, path: string, isSignedOut: boolean): PageDocument {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url')
  const depth = path.split('/').length - 2
  const base = depth === 0 ? './' : '../'.repeat(depth)
  const html = template.replaceAll(NONCE, nonce).replace(BASE, `<base href="${base}" />`)
  return { html: isSignedOut ? html.replace(SESSION, SESSION.replace('unknown', 'none')) : html, nonce }
}
