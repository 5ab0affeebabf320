#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`edit --backend` against a server that answers as a case wants it: what the documents allow but the fakes of
tests/servers do not do of themselves."""
import base64
import http.server
import json
import threading

from scratch import SOURCE, png, run_cases

PROMPT = 'Make it snow'
KEY = 'canary-of-the-odd-server'
PICTURE = png(96, 64)


class Server(http.server.ThreadingHTTPServer):
    """`answer (method, path, body)` gives status and what goes as JSON, or bytes."""

    def __init__(self, answer):
        self.asked = []
        self.answer = answer
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_port}'
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def act(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.server.asked.append((self.command, self.path, body))
        status, answer = self.server.answer(self.command, self.path, body)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'image/png' if data.startswith(b'\x89') else 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = act

    def log_message(self, *_):
        pass


def edit(s, server, backend, *more):
    """The status and the JSON object; nothing critical may have been said."""
    photo = s.photo(width=96, height=64)
    environment = dict(s.environment, XDG_CONFIG_HOME=str(s.folder / 'home/config'), DBUS_SESSION_BUS_ADDRESS='disabled:',
                       **{'ESPALIER_KEY_' + backend.upper().replace('-', '_'): KEY})
    status, out, err = s.run('edit', photo, '-p', PROMPT, '-o', s.out / 'out.png', '--backend', backend, '--base-url',
                             server.url, '--json', *more, env=environment)
    assert b'CRITICAL' not in err and b'WARNING' not in err, err
    return status, json.loads(out)


def runpod(job=None, images=None, **terminal):
    """RunPod with a job of that id; the end has `terminal`; its image is at another server's address if that is given."""
    def answer(method, path, _body):
        if path == '/run':
            return 200, {'id': job or 'job-1', 'status': 'IN_QUEUE'}
        if path.startswith('/status/'):
            return 200, dict({'id': job, 'status': 'COMPLETED',
                              'output': {'image_url': (images or server.url) + '/image', 'cost': 0.03}}, **terminal)
        return (200, PICTURE) if path == '/image' else (404, {'error': 'no such path'})
    server = Server(answer)
    return server


def an_id_that_is_a_number(s):
    server = runpod(12345)
    status, answer = edit(s, server, 'runpod-flux-kontext-dev')
    assert status == 0 and answer['job_id'] == '12345', answer
    assert [path for _, path, _ in server.asked][:2] == ['/run', '/status/12345'], server.asked


def a_failure_that_costs_nothing(s):
    server = runpod(status='FAILED', error='CUDA out of memory', output=None)
    status, answer = edit(s, server, 'runpod-flux-kontext-dev')
    assert status == 7 and answer['error']['charged'] is False, answer
    assert answer['error']['provider_message'] == 'CUDA out of memory', answer


def which_side_was_blocked(s):
    for word, said in (('Request Moderated', 'that was sent'), ('Content Moderated', 'that was made')):
        def answer(_method, path, _body, word=word):
            if path == '/v1/flux-kontext-pro':
                # Without the address to ask at, which the documents know another one for.
                return 200, {'id': 'job-1', 'cost': 4}
            return (200, {'id': 'job-1', 'status': word}) if path == '/v1/get_result?id=job-1' else (404, {})
        server = Server(answer)
        status, said_all = edit(s, server, 'bfl-flux-kontext-pro')
        error = said_all['error']
        assert status == 5 and error['charged'] is False and said in error['message'], error


def no_price_where_none_was_told(s):
    def answer(_method, path, _body):
        if path == '/models/black-forest-labs/flux-kontext-dev/predictions':
            return 201, {'id': 'p', 'status': 'succeeded', 'output': server.url + '/image', 'error': None}
        return (200, PICTURE) if path == '/image' else (404, {'detail': 'no such path'})
    server = Server(answer)
    status, answer = edit(s, server, 'replicate-flux-kontext-dev')
    assert status == 0 and answer['cost'] is None and answer['currency'] is None, answer


def fal(images, input_seen=None):
    def answer(_method, path, body):
        if path == '/fal-ai/flux-kontext/dev':
            if input_seen is not None:
                input_seen.append(json.loads(body))
            job = server.url + '/fal-ai/flux-kontext/requests/r'
            return 200, {'request_id': 'r', 'status_url': job + '/status', 'response_url': job, 'cancel_url': job}
        if path.startswith('/fal-ai/flux-kontext/requests/r/status'):
            return 200, {'status': 'COMPLETED'}
        if path == '/fal-ai/flux-kontext/requests/r':
            return 200, {'images': [{'url': server.url + image} for image in images], 'seed': 1}
        return (200, PICTURE) if path == '/image' else (404, {'detail': 'no such path'})
    server = Server(answer)
    return server


def one_of_several_images_is_lost(s):
    status, answer = edit(s, fal(['/gone', '/image', '/image']), 'fal-flux-kontext-dev', '--set', 'count=3')
    assert status == 0 and len(answer['outputs']) == 2, answer
    assert (s.out / 'out.png').read_bytes().startswith(b'\x89PNG')
    status, answer = edit(s, fal(['/gone', '/gone']), 'fal-flux-kontext-dev', '--set', 'count=2')
    assert status == 7 and answer['error']['class'] == 'result' and answer['error']['charged'] is True, answer


def auto_where_it_is_a_value_of_the_api(s):
    for value in ('auto', 'match_input', '4:5'):
        seen = []
        status, answer = edit(s, fal(['/image'], seen), 'fal-flux-kontext-dev', '--set', f'aspect={value}')
        assert status == 0 and seen[0]['resolution_mode'] == value, (answer, seen[0]['resolution_mode'])


def text_that_is_no_image_is_no_address(s):
    server = Server(lambda *_: (200, {'data': [{'b64_json': base64.b64encode(b'nonsense').decode()}]}))
    status, answer = edit(s, server, 'openai-images')
    assert status == 7 and answer['error']['class'] == 'result', answer
    assert [path for _, path, _ in server.asked] == ['/images/edits'], server.asked


def an_answer_without_an_image_is_no_doubt(s):
    """All was said in one answer: there is nothing to go on with."""
    cases = [('openai-images', {'created': 1, 'data': []}), ('openai-images', {'data': [{'b64_json': ''}]}),
             ('openai-images', {'data': [{}]}), ('oxen-flux-kontext-dev-sync', {'images': []}),
             ('oxen-flux-kontext-dev-sync', {'images': [{'url': ''}]})]
    for backend, said in cases:
        status, answer = edit(s, Server(lambda *_, said=said: (200, said)), backend)
        assert status == 7 and answer['error']['class'] == 'result', (backend, said, answer)
        assert jobs(s)[1] == {'jobs': []}, (backend, said)
    # This one may be of anybody.
    status, answer = edit(s, Server(lambda *_: (200, {})), 'openai-images')
    assert status == 9 and len(jobs(s)[1]['jobs']) == 1, answer


def a_place_for_uploads_that_refuses(s):
    for code in (401, 402, 403):
        def answer(_method, path, _body, code=code):
            if path == '/v1/asset-uploads':
                return 201, {'asset_id': 'a', 'upload_url': server.url + '/put'}
            return (code, {'message': 'expired'}) if path == '/put' else (404, {'message': 'no such path'})
        server = Server(answer)
        status, said = edit(s, server, 'runflow-flux-kontext-pro')
        assert status == 7 and said['error']['class'] == 'server' and said['error']['charged'] is False, said
        assert not any(path.endswith('/runs') for _, path, _ in server.asked), server.asked


def numbers_and_sizes_out_of_range(s):
    server = Server(lambda *_: (500, {'error': 'must not be asked'}))
    for backend, setting in (('sdcpp-server', 'guidance=0x10'), ('sdcpp-server', 'size=1x1'),
                             ('sdcpp-server', 'size=5000x1024'), ('openai-images', 'size=63x512')):
        status, answer = edit(s, server, backend, '--set', setting)
        assert status == 2 and answer['error']['class'] == 'argument', (setting, answer)
        assert setting.partition('=')[0] in answer['error']['message'], answer
    status, answer = edit(s, server, 'sdcpp-server', '--patience', '0x10')
    assert status == 2, answer
    for tail in ('?token=1', '/v1#here'):
        address = server.url
        server.url += tail
        status, answer = edit(s, server, 'sdcpp-server')
        server.url = address
        assert status == 2 and tail[-2:] in answer['error']['message'], answer
    assert not server.asked, server.asked


def slashes_behind_the_address(s):
    for tail in ('/', '//', '///'):
        server = runpod('job-1')
        server.answer = runpod('job-1', server.url).answer
        server.url += tail
        status, answer = edit(s, server, 'runpod-flux-kontext-dev')
        assert status == 0, (tail, answer)
        assert [path for _, path, _ in server.asked] == ['/run', '/status/job-1', '/image'], server.asked


def a_server_below_a_path_of_its_own(s):
    """It names "/sdcpp/v1/jobs/7", as it does not know of the path that it stands behind."""
    for named in ('/sdcpp/v1/jobs/7', '/team/a/sdcpp/v1/jobs/7', 'sdcpp/v1/jobs/7'):
        def answer(_method, path, _body, named=named):
            if path == '/team/a/sdcpp/v1/img_gen':
                return 202, {'id': '7', 'status': 'queued', 'poll_url': named}
            if path == '/team/a/sdcpp/v1/jobs/7':
                image = base64.b64encode(PICTURE).decode()
                return 200, {'id': '7', 'status': 'completed', 'result': {'images': [{'b64_json': image}]}}
            return 404, {'error': {'message': 'no such path'}}
        server = Server(answer)
        server.url += '/team/a'
        status, said = edit(s, server, 'sdcpp-server')
        assert status == 0 and said['job_id'] == '7', (named, said)


def an_address_without_its_last_part(s):
    """…/v1 was forgotten: the server says that it has nothing there, which is no submission."""
    def answer(_method, path, _body):
        if path == '/v1/images/edits':
            return 200, {'data': [{'b64_json': base64.b64encode(PICTURE).decode()}]}
        return 404, {'detail': 'Not Found'}
    server = Server(answer)
    status, said = edit(s, server, 'openai-images')
    assert status == 0 and [path for _, path, _ in server.asked] == ['/images/edits', '/v1/images/edits'], said
    server = Server(lambda *_: (404, {'detail': 'Not Found'}))
    server.url += '/v1'
    status, said = edit(s, server, 'openai-images')
    assert status == 7 and [path for _, path, _ in server.asked] == ['/v1/images/edits'], (said, server.asked)


def jobs(s, *arguments, **more):
    environment = dict(s.environment, XDG_CONFIG_HOME=str(s.folder / 'home/config'), DBUS_SESSION_BUS_ADDRESS='disabled:',
                       **more)
    status, out, _ = s.run('jobs', *arguments, '--json', env=environment)
    return status, json.loads(out)


def a_folder_that_goes_away(s):
    """The image is made and cannot be written: it is kept, and goes elsewhere without the network."""
    gone = s.folder / 'gone'
    gone.mkdir()
    server = runpod('job-1')
    usual = server.answer

    def answer(method, path, body):
        if path == '/image' and gone.exists():
            gone.rmdir()
        return usual(method, path, body)
    server.answer = answer
    status, said = edit(s, server, 'runpod-flux-kontext-dev', '-o', gone / 'out.png')
    assert status == 9 and said['error']['class'] == 'output' and said['error']['charged'] is True, (status, said)
    status, listed = jobs(s)
    assert status == 0 and [job['state'] for job in listed['jobs']] == ['succeeded'], listed
    asked = len(server.asked)
    status, said = jobs(s, 'resume')
    assert status == 2 and said['error']['class'] == 'argument', said
    status, said = jobs(s, 'resume', listed['jobs'][0]['id'], '-o', s.out / 'there.png')
    assert status == 0 and (s.out / 'there.png').exists() and len(server.asked) == asked, said
    assert jobs(s)[1] == {'jobs': []}


def a_server_of_images_that_has_failed(s):
    """Not for the whole patience: some tries, then the job is kept."""
    server = runpod('job-1')
    usual = server.answer
    server.answer = lambda method, path, body: (500, b'<html>') if path == '/image' else usual(method, path, body)
    s.environment['ESPALIER_TIME_SCALE'] = '0.01'
    status, said = edit(s, server, 'runpod-flux-kontext-dev')
    tries = [path for _, path, _ in server.asked].count('/image')
    assert status == 9 and said['error']['http_status'] == 500 and said['error']['charged'] is True, said
    assert tries == 8, tries
    server.answer = usual
    status, said = jobs(s, 'resume', ESPALIER_KEY_RUNPOD_FLUX_KONTEXT_DEV=KEY)
    assert status == 0 and [path for _, path, _ in server.asked].count('/run') == 1, said


def a_job_of_an_account_that_is_gone(s):
    """As the window leaves one behind: nothing but the record says where it is."""
    server = runpod('job-1', status='IN_PROGRESS')
    folder = s.folder / 'home/config/espalier'
    folder.mkdir(parents=True)
    (folder / 'accounts.json').write_text(json.dumps({'version': 1, 'accounts': [
        {'id': 'mine-1', 'provider': 'runpod-flux-kontext-dev', 'name': 'Mine', 'base_url': server.url}]}))
    s.environment['ESPALIER_KEY_MINE_1'] = KEY
    status, said = edit(s, server, 'mine-1', '--patience', '1')
    assert status == 9, said
    (folder / 'accounts.json').unlink()
    del s.environment['ESPALIER_KEY_MINE_1']
    record, = (s.folder / 'home/share/espalier/jobs').glob('*.json')
    members = json.loads(record.read_text())
    members['client'] = {'document': 'Holidays'}
    record.write_text(json.dumps(members))
    server.answer = runpod('job-1', server.url).answer

    status, said = jobs(s, 'resume', record.stem)
    assert status == 2 and '--output' in said['error']['message'], said
    status, said = jobs(s, 'resume', record.stem, '-o', s.out / 'a.png')
    assert status == 3 and 'ESPALIER_KEY_MINE_1' in said['error']['message'], said
    assert '--key-file' in said['error']['message'], said
    key = s.folder / 'key'
    key.write_text(KEY)
    status, said = jobs(s, 'resume', record.stem, '-o', s.out / 'a.png', '--key-file', key)
    assert status == 0 and (s.out / 'a.png').exists(), said
    assert [path for _, path, _ in server.asked].count('/run') == 1, server.asked


if __name__ == '__main__':
    assert (SOURCE / 'data/providers').is_dir()
    raise SystemExit(run_cases([
        an_id_that_is_a_number,
        a_failure_that_costs_nothing,
        which_side_was_blocked,
        no_price_where_none_was_told,
        one_of_several_images_is_lost,
        auto_where_it_is_a_value_of_the_api,
        text_that_is_no_image_is_no_address,
        an_answer_without_an_image_is_no_doubt,
        a_place_for_uploads_that_refuses,
        numbers_and_sizes_out_of_range,
        slashes_behind_the_address,
        a_server_below_a_path_of_its_own,
        an_address_without_its_last_part,
        a_folder_that_goes_away,
        a_server_of_images_that_has_failed,
        a_job_of_an_account_that_is_gone,
    ]))
