// npm puts node_modules/.bin first on the PATH, and the optional dependency `node` lies there. Its download
// can fail silently, so the scripts that need it look before they run.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `This project runs on Node 24 or newer; this is Node ${process.versions.node}.\n` +
      'npm ci brings Node 24 with it (the optional dependency "node"), unless --omit=optional or --ignore-scripts is on. ' +
      'Run "npm ci" again, or install Node 24 yourself.\n',
  )
  process.exit(2)
}
