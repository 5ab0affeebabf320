// SPDX-License-Identifier: GPL-3.0-or-later
// An HTTP/2 server that misbehaves by path, where Node.js is at hand: node h2.mjs CERTIFICATE KEY.
// Prints one line of JSON; runs until its standard input closes.
import { createSecureServer, constants } from 'node:http2';
import { readFileSync } from 'node:fs';

const counts = {};
const sessions = new Set();

const server = createSecureServer({
  cert: readFileSync(process.argv[2]),
  key: readFileSync(process.argv[3]),
  allowHTTP1: true,
});

server.on('session', (session) => {
  sessions.add(session);
  session.on('error', () => {});
});

function answer (stream, body, status = 200) {
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(JSON.stringify(body));
}

const paths = {
  '/echo': (stream, length) => answer(stream, { version: 2, length, sessions: sessions.size }),
  '/counts': (stream) => answer(stream, counts),
  // "Surely not processed": libcurl would send it once more.
  '/refuse': (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  '/fail': (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  '/want-1': (stream) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED),
  '/goaway': (stream) => {
    stream.session.goaway(constants.NGHTTP2_NO_ERROR, 0);
    setTimeout(() => stream.session.destroy(), 50);
  },
  '/drop': (stream) => stream.session.destroy(),
  '/half': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half');
    setTimeout(() => stream.session.destroy(), 50);
  },
};

server.on('stream', (stream, headers) => {
  const key = `${headers[':method']} ${headers[':path']}`;
  let length = 0;

  counts[key] = (counts[key] ?? 0) + 1;
  stream.on('error', () => {});
  if (headers[':path'] === '/drop-early') {
    setTimeout(() => stream.session.destroy(), 50);
    return;
  }
  stream.on('data', (chunk) => { length += chunk.length; });
  stream.on('end', () => paths[headers[':path']](stream, length));
});
server.on('request', (request, response) => {
  if (request.httpVersionMajor < 2) {
    counts[`${request.method} ${request.url} 1`] = (counts[`${request.method} ${request.url} 1`] ?? 0) + 1;
    response.end('{"version": 1}');
  }
});

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
