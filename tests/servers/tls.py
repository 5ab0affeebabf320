# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the fakes, made by openssl when they are first wanted."""
import pathlib
import ssl
import subprocess
import tempfile

NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
OTHER_NAMES = 'subjectAltName=DNS:elsewhere.invalid'


class Certificates:
    """A folder with ca.pem, and server contexts by kind: good, self-signed, wrong-host, expired."""

    def __init__(self):
        self.contexts, self.place = {}, None

    @property
    def folder(self):
        """Made when it is wanted: most tests do without, and those that are killed leave nothing."""
        if self.place is None:
            self.place = tempfile.TemporaryDirectory(prefix='fake-provider-')
        return pathlib.Path(self.place.name)

    def close(self):
        if self.place is not None:
            self.place.cleanup()

    @property
    def ca_file(self):
        path = self.folder / 'ca.pem'
        if not path.exists():
            self.openssl('req', '-x509', *self.new_key('ca'), '-out', path, '-days', '30',
                         '-subj', '/CN=Fake authority', '-addext', 'basicConstraints=critical,CA:TRUE',
                         '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
        return str(path)

    def context(self, kind='good'):
        if kind not in self.contexts:
            getattr(self, 'make_' + kind.replace('-', '_'))()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder / f'{kind}.pem', self.folder / f'{kind}.key')
            context.set_alpn_protocols(['http/1.1'])
            self.contexts[kind] = context
        return self.contexts[kind]

    def openssl(self, *arguments):
        done = subprocess.run(['openssl', *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f'openssl {arguments[0]}: {done.stderr.strip()}')

    def new_key(self, name):
        return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                '-keyout', self.folder / f'{name}.key')

    def signed(self, name, extension, *options):
        self.ca_file
        request, extensions = self.folder / f'{name}.csr', self.folder / f'{name}.ext'
        extensions.write_text(f'{extension}\nbasicConstraints=CA:FALSE\n')
        self.openssl('req', '-new', *self.new_key(name), '-out', request, '-subj', f'/CN={name}')
        self.openssl('x509', '-req', '-in', request, '-CA', self.folder / 'ca.pem', '-CAkey',
                     self.folder / 'ca.key', '-CAcreateserial', '-out', self.folder / f'{name}.pem',
                     '-extfile', extensions, *options)

    def make_good(self):
        self.signed('good', NAMES, '-days', '30')

    def make_wrong_host(self):
        self.signed('wrong-host', OTHER_NAMES, '-days', '30')

    def make_self_signed(self):
        self.openssl('req', '-x509', *self.new_key('self-signed'), '-out',
                     self.folder / 'self-signed.pem', '-days', '30', '-subj', '/CN=localhost',
                     '-addext', NAMES)

    def make_expired(self):
        self.ca_file
        request = self.folder / 'expired.csr'
        self.openssl('req', '-new', *self.new_key('expired'), '-out', request, '-subj', '/CN=expired',
                     '-addext', NAMES)
        database = self.folder / 'database'
        database.mkdir()
        (database / 'index').touch()
        (database / 'serial').write_text('01\n')
        config = database / 'config'
        config.write_text(f'''[ca]
default_ca = fake
[fake]
database = {database}/index
serial = {database}/serial
new_certs_dir = {database}
certificate = {self.folder}/ca.pem
private_key = {self.folder}/ca.key
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
''')
        self.openssl('ca', '-batch', '-notext', '-config', config, '-in', request, '-out',
                     self.folder / 'expired.pem', '-startdate', '20200101000000Z', '-enddate',
                     '20200201000000Z')
