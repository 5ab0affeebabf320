# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt of the matrix: the program in a home of its own, a world of the fakes, and what must hold."""
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time

import pictures
from cases import SOURCE

CLI = os.environ.get('ESP_CLI', '')
SANITIZED = 'ASAN_OPTIONS' in os.environ
SCALE = 0.05                    # of the program's waiting between requests: see docs/testing.md
DEADLINE = 60 * (6 if SANITIZED else 1)
MEMORY = 900 << 20
CLASSES = {2: {'argument', 'offline', 'budget'}, 3: {'auth', 'forbidden'}, 4: {'credit'}, 5: {'moderated'},
           6: {'rate', 'busy'}, 7: {'invalid', 'gone', 'server', 'result'}, 8: {'network'},
           9: {'unknown', 'patience'}}
PROMPT = 'Make it snow — “gently”, 50 % {{param.seed}} \\ "x"'


class Wrong(Exception):
    pass


class Skip(Exception):
    """Something that is needed is not on this computer."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def clean_environment(folder):
    """A home of its own below `folder`, no key ring, no proxy."""
    clean = {name: value for name, value in os.environ.items()
             if not name.lower().endswith('_proxy') and not name.startswith(('XDG_', 'DBUS_', 'ESPALIER_'))}
    if os.environ.get('ESPALIER_ENGINE'):
        clean['ESPALIER_ENGINE'] = os.environ['ESPALIER_ENGINE']
    home = folder / 'home'
    return dict(clean, HOME=str(home), XDG_DATA_HOME=str(home / 'share'),
                XDG_CONFIG_HOME=str(home / 'config'), XDG_CACHE_HOME=str(home / 'cache'),
                XDG_STATE_HOME=str(home / 'state'), XDG_RUNTIME_DIR=str(home), TMPDIR=str(folder / 'tmp'),
                LC_ALL='C.UTF-8', DBUS_SESSION_BUS_ADDRESS='disabled:', GSETTINGS_BACKEND='memory',
                ESPALIER_DATA_DIR=str(SOURCE / 'data'), ESPALIER_TIME_SCALE=str(SCALE))


LOCALES = tempfile.TemporaryDirectory(prefix='espalier-locales-')
LOCK = threading.Lock()


def comma_locale():
    """What makes a program write decimal commas: a locale that is there, or one made now."""
    known = subprocess.run(['locale', '-a'], capture_output=True, text=True).stdout.split()
    for name in known:
        if name.startswith(('de_', 'fr_', 'es_', 'it_', 'pl_')):
            return {'LC_ALL': name}
    made = pathlib.Path(LOCALES.name) / 'de_DE.UTF-8'
    with LOCK:
        try:
            if not made.exists():
                subprocess.run(['localedef', '-i', 'de_DE', '-f', 'UTF-8', made], capture_output=True,
                               check=True)
        except (OSError, subprocess.CalledProcessError):
            raise Skip('no locale that writes decimal commas') from None
    return {'LC_ALL': 'de_DE.UTF-8', 'LOCPATH': LOCALES.name}


class Done:
    """A program that ended."""

    def __init__(self, status, out, err, memory):
        self.status, self.out, self.err, self.memory = status, out, err, memory

    def __str__(self):
        return (f'exit status {self.status}\nstdout: {self.out[:1500]!r}\nstderr: {self.err[:1500]!r}')


class Program:
    """A program that runs; its output goes to files."""

    def __init__(self, attempt, arguments, folder=None):
        self.attempt = attempt
        attempt.runs += 1
        self.files = [open(attempt.folder / f'{name}-{attempt.runs}', 'w+b') for name in ('out', 'err')]
        self.process = subprocess.Popen(
            [CLI, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=self.files[0],
            stderr=self.files[1], env=attempt.environment,
            cwd=folder or attempt.results)
        attempt.programs.append(self)
        self.done = None
        try:
            line = pathlib.Path(f'/proc/{self.process.pid}/cmdline').read_bytes()
            expect(not attempt.key or attempt.key.encode() not in line, 'the key is in the command line')
        except OSError:
            pass

    def signal(self, number):
        if self.done is None:
            os.kill(self.process.pid, number)

    def has_ended(self):
        if self.done is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.finish(usage.ru_maxrss * 1024)
        return self.done is not None

    def wait(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > end:
                os.kill(self.process.pid, signal.SIGKILL)
                _, status, usage = os.wait4(self.process.pid, 0)
                self.process.returncode = -9
                self.finish(0)
                raise Wrong(f'hangs\n{self.done}')
            else:
                time.sleep(0.02)
        return self.done

    def finish(self, memory):
        texts = []
        for file in self.files:
            file.seek(0)
            texts.append(file.read().decode('utf-8', 'replace'))
            file.close()
        self.done = Done(self.process.returncode, *texts, memory)

    def kill(self):
        if self.done is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.wait()


class Attempt:
    def __init__(self, fakes, case, backend, folder):
        self.case, self.backend, self.folder, self.runs, self.programs = case, backend, folder, 0, []
        self.results = folder / 'results'
        for name in ('results', 'home', 'tmp'):
            (folder / name).mkdir()
        options = dict(backend.options)
        options.update(dict(case.options))
        self.world = fakes.world(backend.fake, case.faults, max_side=128, **options)
        self.key = self.world.key if backend.key else None
        self.base_url = self.world.base_url
        name = backend.id.upper().replace('-', '_')
        self.environment = clean_environment(folder)
        self.key_variable = f'ESPALIER_KEY_{name}'
        if self.key:
            self.environment[self.key_variable] = self.key
        self.photo = folder / 'photo.png'
        self.photo.write_bytes(pictures.carpet_png(b'photo' * 7, 480, 320))
        self.out_name = 'out.png'
        self.key_file = None

    # --- Running ----------------------------------------------------------------------------------

    def start(self, *more):
        arguments, given = [], list(self.case.arguments)
        if '--out' in given:
            at = given.index('--out')
            self.out_name = given[at + 1]
            del given[at:at + 2]
        arguments += ['edit', self.photo, '--prompt', PROMPT, '--output', self.results / self.out_name,
                      '--backend', self.backend.id, '--base-url', self.base_url, '--json',
                      '--patience', self.case.patience, *given, *more]
        return Program(self, arguments)

    def jobs(self, *arguments):
        return Program(self, ['jobs', *arguments])

    def listed(self):
        done = self.jobs('--json').wait()
        expect(done.status == 0, f'jobs --json: {done}')
        return json.loads(done.out)['jobs']

    def run(self):
        getattr(self, 'drive_' + self.case.kind)()
        self.check_afterwards()

    def end(self):
        for program in self.programs:
            program.kill()
        self.world.close()

    def wait_for(self, what, condition, program=None, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            if program is not None and program.has_ended():
                raise Wrong(f'it ended before {what}\n{program.done}')
            time.sleep(0.02)
        raise Wrong(f'waited in vain for {what}')

    def operations(self):
        return self.world.count()['operations']

    def let_go(self):
        """What the world holds (its option "hold") goes on."""
        self.world.set_options(hold='')

    # --- The ways to drive it ---------------------------------------------------------------------

    def drive_run(self):
        self.judge(self.start().wait())

    def drive_silent(self):
        """Nothing at all may have been sent."""
        self.judge(self.start().wait())
        sent = [call['path'] for call in self.world.log()]
        expect(not sent, f'something was sent: {sent[:3]}')

    def drive_no_key(self):
        del self.environment[self.key_variable]
        self.drive_silent()

    def drive_key_file(self):
        del self.environment[self.key_variable]
        self.key_file = self.folder / 'key'
        self.key_file.write_text(self.key + '\n')
        self.judge(self.start('--key-file', self.key_file).wait())

    def drive_wrong_key(self):
        self.environment[self.key_variable] = 'wrong-' + self.key
        self.judge(self.start().wait())

    def drive_locale(self):
        self.environment.update(comma_locale())
        self.drive_run()

    def drive_tls(self):
        self.environment['ESPALIER_CA_FILE'] = self.world.ca_file
        self.drive_run()

    def drive_refused(self):
        self.base_url = re.sub(r':\d+', ':9', self.base_url)
        self.drive_run()

    def drive_no_host(self):
        self.base_url = re.sub(r'http://[^/]+', 'https://nowhere.invalid', self.base_url)
        self.drive_run()

    def drive_rate(self):
        self.judge(self.start().wait())
        times = [call['t'] for call in self.world.log() if call['op'] == 'submit']
        expect(times[1] - times[0] >= 3 * SCALE * 0.9,
               f'Retry-After was not waited for: {times[1] - times[0]:.3f} s of {3 * SCALE} s')

    def drive_seed(self):
        self.judge(self.start('--set', 'seed=1234567').wait())
        expect(self.world.count()['jobs'][0]['seed'] == 1234567, 'another seed was sent')

    def drive_reference(self):
        other = self.folder / 'other.png'
        other.write_bytes(pictures.carpet_png(b'other' * 7, 400, 400))
        self.judge(self.start(other).wait())
        jobs = self.world.count()['jobs']
        expect(not jobs or jobs[0]['pictures'] == 2, f'{jobs[0]["pictures"] if jobs else 0} pictures came')

    def document(self):
        """Makes a document of the photo; what makes a turn in it."""
        path = self.folder / 'turns.espalier'
        done = Program(self, ['new', path, self.photo]).wait()
        expect(done.status == 0, str(done))
        # What came is compared with what was sent, byte by byte: nothing is put together of it.
        return path, ['run', path, '--prompt', PROMPT, '--backend', self.backend.id, '--base-url',
                      self.base_url, '--keep-untouched', 'off', *self.case.arguments]

    def expect_document(self, path):
        """The turn, the second node, has its image."""
        done = Program(self, ['export', path, '--node', '2', '--output',
                              self.results / self.out_name]).wait()
        expect(done.status == 0, str(done))
        self.check_results(self.world.count())

    def drive_document(self):
        path, turn = self.document()
        done = Program(self, turn).wait()
        expect(done.status == 0, str(done))
        self.check_said(done)
        self.expect_document(path)

    def drive_document_kill(self):
        path, turn = self.document()
        program = Program(self, turn)
        self.wait_for('a poll', lambda: self.operations().get('watch', 0) >= 2, program)
        program.signal(signal.SIGKILL)
        program.wait()
        self.let_go()
        done = Program(self, ['run', path, '--resume']).wait()
        expect(done.status == 0, str(done))
        self.check_said(done)
        self.expect_document(path)

    def drive_secrets(self):
        self.photo.write_bytes(pictures.photo_with_secrets(480, 320))
        self.drive_run()

    def drive_large(self):
        self.photo.write_bytes(pictures.carpet_png(b'large' * 7, 6000, 4000))
        self.drive_run()
        largest = max(call['length'] for call in self.world.log())
        expect(largest < 10_000_000, f'a body of {largest} bytes')

    def drive_words(self):
        done = self.start().wait()
        self.judge(done)
        words = json.loads(done.out)['error']['provider_message'] or ''
        expect(0 < len(words) <= 5000, f'{len(words)} characters of the provider were shown')

    def drive_hop(self):
        """The result's link answers with a redirect on the same host."""
        self.world.add_faults({'where': 'download', 'kind': 'redirect', 'to': 'hop', 'nth': 1})
        self.drive_run()

    def drive_no_comfy(self):
        if self.backend.fake == 'comfyui':      # builds its links itself
            self.world.clear_faults()
            done = self.start().wait()
            expect(done.status == 0, str(done))
            return
        self.drive_run()

    def drive_kept(self):
        self.drive_run()
        jobs = self.listed()
        expect(len(jobs) == 1 and jobs[0]['provider'] == self.backend.id and jobs[0]['job_id'],
               f'not kept: {jobs}')
        expect(set(jobs[0]) >= {'id', 'provider', 'job_id', 'state', 'created', 'output'}, f'{jobs}')

    def drive_interrupt(self):
        program = self.start()
        self.wait_for('the job to be taken', lambda: self.operations().get('watch'), program)
        program.signal(signal.SIGINT)
        done = program.wait()
        expect(done.status == 130, str(done))
        self.check_said(done)
        expect(len(self.listed()) == 1, f'not kept: {self.listed()}')
        self.resume(0)

    def drive_interrupt_cancel(self):
        program = self.start('--cancel-on-interrupt')
        self.wait_for('the job to be taken', lambda: self.world.count()['accepted'] and (
            self.backend.flow != 'poll' or self.operations().get('watch')), program)
        time.sleep(0.1)
        program.signal(signal.SIGINT)
        done = program.wait()
        expect(done.status == 130, str(done))
        self.check_said(done)
        if self.backend.cancels:
            expect(self.world.count()['jobs'][0]['cancelled'], 'it still runs there')
            expect(not self.listed(), f'left over: {self.listed()}')
        expect(self.world.count()['charges'] == 0, 'charged')

    def drive_cancel_ignored(self):
        """The job goes on there and will be paid: its image is not lost."""
        program = self.start('--cancel-on-interrupt')
        self.wait_for('the job to be taken', lambda: self.operations().get('watch'), program)
        program.signal(signal.SIGINT)
        done = program.wait()
        expect(done.status == 130, str(done))
        self.check_said(done)
        expect(self.operations().get('cancel'), 'the provider was not asked')
        expect(len(self.listed()) == 1, f'not kept: {done}')
        self.resume(0)

    def drive_kill_submit(self):
        program = self.start()
        self.wait_for('the submit', lambda: self.operations().get('submit'), program)
        program.signal(signal.SIGKILL)
        program.wait()
        expect(len(self.listed()) == 1, f'not remembered: {self.listed()}')
        self.resume('unsure')

    def drive_kill_watch(self):
        program = self.start()
        self.wait_for('a poll', lambda: self.operations().get('watch', 0) >= 2, program)
        program.signal(signal.SIGKILL)
        program.wait()
        expect(len(self.listed()) == 1, f'not remembered: {self.listed()}')
        self.resume(0)

    def drive_kill_download(self):
        program = self.start()
        self.wait_for('the download', lambda: self.operations().get('download'), program)
        program.signal(signal.SIGKILL)
        program.wait()
        if self.backend.flow == 'sync':
            expect(len(self.listed()) == 1, f'not remembered: {self.listed()}')
        self.resume(0)

    def drive_interrupt_submit(self):
        program = self.start()
        self.wait_for('the submit', lambda: self.operations().get('submit'), program)
        program.signal(signal.SIGINT)
        self.world.set_options(hold='running')  # the answer comes, its image does not
        done = program.wait()
        expect(done.status == 130, str(done))
        self.check_said(done)
        expect(len(self.listed()) == 1, f'not remembered: {self.listed()}')
        self.resume({0, 9})          # whether the answer was waited for is the program's affair

    def drive_resume_key(self):
        self.start_and_kill()
        key = self.environment.pop(self.key_variable)
        done = self.jobs('resume', '--json').wait()
        expect(done.status == 3 and len(self.listed()) == 1, f'without the key: {done}')
        self.environment[self.key_variable] = 'wrong-' + key
        done = self.jobs('resume', '--json').wait()
        expect(done.status == 3 and len(self.listed()) == 1, f'with a wrong key: {done}')
        self.environment[self.key_variable] = key
        self.resume(0)

    def drive_resume_key_file(self):
        del self.environment[self.key_variable]
        self.key_file = self.folder / 'key'
        self.key_file.write_text(self.key)
        self.start_and_kill('--key-file', self.key_file)
        self.resume(0)

    def drive_resume_folder(self):
        self.start_and_kill()
        self.results.rename(self.folder / 'elsewhere')
        self.let_go()
        done = Program(self, ['jobs', 'resume', '--json'], self.folder).wait()
        expect(done.status not in (0, -9), f'without its folder: {done}')
        (self.folder / 'elsewhere').rename(self.results)
        self.resume(0)

    def drive_kept_result(self):
        """It came, and could not be saved: later neither the key nor the provider is needed."""
        program = self.start()
        self.wait_for('the submit', lambda: self.operations().get('submit'), program)
        self.results.rename(self.folder / 'elsewhere')
        self.let_go()
        done = program.wait()
        expect(done.status == 9 and 'jobs resume' in done.err, f'without its folder: {done}')
        self.check_said(done)
        (self.folder / 'elsewhere').rename(self.results)
        expect([job['state'] for job in self.listed()] == ['succeeded'], f'not kept: {self.listed()}')
        self.environment.pop(self.key_variable, None)
        self.world.clear_faults()
        self.world.add_faults({'where': 'any', 'kind': 'status', 'status': 500})
        asked = len(self.world.log())
        self.resume(0)
        expect(len(self.world.log()) == asked, 'the provider was asked once more')
        left = list((self.folder / 'home/share/espalier/jobs').iterdir())
        expect(not left, f'left with the records: {left}')

    def drive_own_description(self):
        folder = self.folder / 'home/config/espalier/providers'
        folder.mkdir(parents=True)
        (folder / 'broken.json').write_text('{"schema": "kontext-provider/1", "id": 5}')
        own = dict(self.backend.descriptor, id='my-own', name='My own')
        (folder / 'my-own.json').write_text(json.dumps(own))
        self.environment['ESPALIER_KEY_MY_OWN'] = self.environment.pop(self.key_variable)
        listed = Program(self, ['providers']).wait()
        expect(listed.status == 0 and 'my-own' in listed.out and 'broken.json' in listed.out, str(listed))
        self.backend = self.backend.renamed('my-own')
        self.start_and_kill()
        (folder / 'my-own.json').write_text('{}')
        self.resume(0)

    def drive_resume_twice(self):
        self.start_and_kill()
        two = [self.jobs('resume', '--json') for _ in range(2)]
        self.wait_for('one of them to be sent away', lambda: any([program.has_ended() for program in two]))
        self.let_go()
        done = [program.wait() for program in two]
        expect(0 in [each.status for each in done], f'{done[0]}\n{done[1]}')
        self.check_results(self.world.count())
        expect(self.listed() == [], 'left over')

    def drive_forget(self):
        self.judge(self.start().wait())
        jobs = self.listed()
        expect(len(jobs) == 1, f'not kept: {jobs}')
        done = self.jobs('forget', jobs[0]['id']).wait()
        expect(done.status == 0 and self.listed() == [], str(done))
        expect(self.jobs('forget', jobs[0]['id']).wait().status == 2, 'forgot it twice')

    def start_and_kill(self, *more):
        program = self.start(*more)
        self.wait_for('a poll', lambda: self.operations().get('watch', 0) >= 2, program)
        program.signal(signal.SIGKILL)
        program.wait()

    def resume(self, status):
        self.let_go()
        done = self.jobs('resume', '--json').wait()
        wanted = self.statuses(status)
        expect(done.status in wanted, f'resume: wanted {wanted}\n{done}')
        self.check_said(done)
        if done.status == 0:
            self.check_answer(done)
            self.check_results(self.world.count())
            expect(self.listed() == [], f'left over: {self.listed()}')
        else:
            self.check_error(done)
            expect(len(self.listed()) == 1, f'not kept: {self.listed()}')

    # --- What must hold ---------------------------------------------------------------------------

    def statuses(self, status):
        if status == 'unsure':
            return {0} if self.backend.recovers else {9}
        if status == 'unsure_or_fine':
            return {0} if self.backend.recovers else {0, 9}
        return {status} if isinstance(status, int) else set(status)

    def judge(self, done):
        wanted = self.statuses(self.case.status)
        # Recovering is possible where the API remembers; nobody is obliged to find it.
        if self.case.status in ('unsure', 'unsure_or_fine'):
            wanted = wanted | {0, 9} if self.backend.recovers else wanted
        expect(done.status in wanted, f'wanted {sorted(wanted)}\n{done}')
        self.check_said(done)
        if done.status == 0:
            self.check_answer(done)
            self.check_results(self.world.count())
        else:
            self.check_error(done)
            expect(not list(self.results.iterdir()), f'left: {list(self.results.iterdir())}')
        if done.status in (9, 130) and self.case.kind != 'forget':
            expect(len(self.records()) == 1, 'no record was kept')
        elif done.status in (0, 2, 3, 4, 5, 6, 8) and not self.operations().get('watch'):
            expect(not self.records() or done.status in (3, 4, 5), f'records are left: {done}')

    def records(self):
        folder = self.folder / 'home/share/espalier/jobs'
        return [path for path in folder.glob('*.json')] if folder.is_dir() else []

    def check_said(self, done):
        """True of every run: one object at most, no key, clean text, little memory."""
        expect(done.memory < MEMORY or SANITIZED, f'{done.memory >> 20} MiB at the peak')
        for text in (done.out, done.err):
            expect(not self.key or self.key not in text, 'the key was printed')
            expect(not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', text.replace('\r', '')),
                   f'control characters: {text!r}')
            expect('CRITICAL' not in text and 'WARNING' not in text and 'Sanitizer' not in text
                   and 'runtime error' not in text, text)

    def check_answer(self, done):
        expect(done.out.count('\n') == 1, f'not one line of JSON: {done}')
        answer = json.loads(done.out)
        if 'jobs' in answer and len(answer['jobs']) == 1:      # several may have been resumed
            answer = answer['jobs'][0]
        missing = {'outputs', 'seed', 'cost', 'currency', 'job_id', 'timings', 'provider',
                   'parameters'} - set(answer)
        expect(not missing, f'missing in the answer: {missing}\n{done.out}')
        expect(answer['provider'] == self.backend.id, done.out)
        files = self.case.files if isinstance(self.case.files, int) else max(self.case.files)
        expect(len(answer['outputs']) == files, f'{files} outputs wanted\n{done.out}')
        for output in answer['outputs']:
            data = pathlib.Path(output['path']).read_bytes()
            looked = pictures.look(data)
            expect((output['width'], output['height']) == (looked.width, looked.height)
                   and output['media_type'] == pictures.MEDIA[looked.format]
                   and output['sha256'] == hashlib.sha256(data).hexdigest(), f'{output} is not so')
        job = self.world.count()['jobs'][0]
        if self.backend.cost is not None:
            wanted = self.backend.cost * job['count']
            expect(answer['cost'] is not None and abs(answer['cost'] - wanted) < 1e-9
                   and answer['currency'] == 'USD', f'cost {answer["cost"]}, not {wanted}')
        if job['seed'] is not None and 'seed' in self.backend.parameters:
            expect(answer['seed'] == job['seed'], f'seed {answer["seed"]} told, {job["seed"]} sent')

    def check_error(self, done):
        expect(done.out.count('\n') == 1, f'not one line of JSON: {done}')
        error = json.loads(done.out)['error']
        missing = {'class', 'message', 'provider_message', 'http_status', 'charged'} - set(error)
        expect(not missing, f'missing in the error: {missing}\n{done.out}')
        expect(error['class'] in CLASSES[done.status], f'class {error["class"]}: {done}')
        expect(len(error['message']) > 15 and '\n' not in error['message'] and 'null' not in error['message'],
               f'no message for people: {error["message"]!r}')
        for text in (error['message'], error['provider_message'] or ''):
            expect(not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', text), f'control characters: {text!r}')
            expect(not self.key or self.key not in text, 'the key is in the message')
        expect(any(word in error['message'] for word in self.case.words) or not self.case.words,
               f'none of {self.case.words} is in {error["message"]!r}')
        if self.case.charged is not ...:
            wanted = self.case.charged if isinstance(self.case.charged, set) else {self.case.charged}
            expect(error['charged'] in wanted, f'charged is {error["charged"]}, not {wanted}\n{done.out}')

    def check_results(self, count):
        """The pictures are those of the job."""
        job = count['jobs'][0]
        path = self.results / self.out_name
        data = path.read_bytes()
        looked = pictures.look(data)
        expect((looked.width, looked.height) == (job['width'], job['height']),
               f'{looked.width} × {looked.height}, not {job["width"]} × {job["height"]}')
        expect(looked.format == {'.jpg': 'jpeg', '.png': 'png', '.webp': 'webp'}[path.suffix],
               f'{path.name} is {looked.format}')
        expect(job['prompt'] == PROMPT, f'the prompt came as {job["prompt"]!r}')
        expect(job['seed'] is not None or 'seed' not in self.backend.parameters, 'no seed was sent')
        if looked.format == 'png':
            expect(pictures.first_row(data).hex() == job['row'], 'it is another picture')

    def check_afterwards(self):
        count = self.world.count()
        accepted = self.case.accepted
        wanted = {accepted} if isinstance(accepted, int) else set(accepted)
        expect(count['accepted'] in wanted, f'{count["accepted"]} were accepted, not {wanted}')
        if count['accepted'] == 1 and self.case.submits is None:
            expect(count['submits'] == 1, f'{count["submits"]} submits for one job')
        elif self.case.submits is not None:
            submits = self.case.submits
            wanted = {submits} if isinstance(submits, int) else set(submits)
            if submits == 1 and self.fallback():
                wanted = {1, 2}
            expect(count['submits'] in wanted, f'{count["submits"]} submits, not {sorted(wanted)[:4]}')
        expect(count['charges'] <= max(1, self.case.files if isinstance(self.case.files, int) else 1),
               f'charged {count["charges"]} times')
        expect(not count['violations'], 'bad manners: ' + '; '.join(count['violations'][:4]))
        expect(count['bytes_poured'] < 600 << 20, f'{count["bytes_poured"] >> 20} MiB were read')
        left = list((self.folder / 'tmp').iterdir())
        expect(not left or self.killed(), f'left in TMPDIR: {left}')
        self.search_key()

    def fallback(self):
        return False

    def killed(self):
        return any(program.done and program.done.status == -9 for program in self.programs)

    def search_key(self):
        if not self.key:
            return
        forms = [self.key.encode(), base64.b64encode(self.key.encode()).rstrip(b'=')[:-2]]
        for path in self.folder.rglob('*'):
            if path.is_file() and path != self.key_file:
                data = path.read_bytes()
                expect(not any(form in data for form in forms), f'the key is in {path.name}')


def throughput(fakes, count=200, at_once=50):
    """Many jobs at once, each a program of its own; prints how it went. 1 if not all went well."""
    world = fakes.world('sdcpp', max_side=128, queue_ms=0, run_ms=500)
    with tempfile.TemporaryDirectory(prefix='espalier-remote-') as name:
        folder = pathlib.Path(name)
        photo = folder / 'photo.png'
        photo.write_bytes(pictures.carpet_png(b'photo' * 7, 480, 320))
        (folder / 'tmp').mkdir()
        environment = clean_environment(folder)

        def one(number):
            out = folder / f'out-{number}.png'
            with subprocess.Popen(
                    [CLI, 'edit', photo, '--prompt', f'Picture {number}', '--output', out, '--backend',
                     'sdcpp-server', '--base-url', world.base_url, '--json'], env=environment,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as program:
                _, status, usage = os.wait4(program.pid, 0)
                program.returncode = os.waitstatus_to_exitcode(status)
            return program.returncode == 0 and out.exists(), usage.ru_maxrss, usage.ru_utime + usage.ru_stime

        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            done = list(pool.map(one, range(count)))
        seconds = time.monotonic() - begun
    counted = world.count()
    good = sum(1 for fine, *_ in done if fine)
    print(f'# throughput: {good} of {count} jobs, {at_once} at once, in {seconds:.1f} s'
          f' ({count / seconds:.1f} a second); {counted["most_connections"]} connections at the most;'
          f' {sum(time_ for *_, time_ in done) / count:.2f} s of processor time and at most'
          f' {max(memory for _, memory, _ in done) >> 10} MiB for each', flush=True)
    well = good == count == counted['accepted'] == counted['submits'] and not counted['violations']
    return 0 if well else 1
