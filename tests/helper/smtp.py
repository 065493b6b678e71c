#!/usr/bin/python3
"""A mail server (aiosmtpd) on a port that the kernel chose, for one test.

  smtp.py DIR [tls CERT KEY] [starttls CERT KEY] [auth USER PASSWORD] [refuse ADDRESS]...
          [later ADDRESS]...

Each message becomes DIR/N.eml, with DIR/N.json: {from, to, user, tls}. `refuse` answers 550,
`later` 451 once. Prints the port as JSON; ends with its stdin.
"""
import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Mailbox:
    def __init__(self, folder, asked):
        self.folder, self.count = folder, 0
        self.refused, self.later, self.tls = asked["refuse"], asked["later"], "tls" in asked

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        if address in self.later:
            self.later.remove(address)
            return f"451 4.7.1 <{address}>: Greylisted, please try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = os.path.join(self.folder, str(self.count))
        with open(path + ".eml", "wb") as file:
            file.write(envelope.original_content)
        user = session.auth_data
        with open(path + ".json", "w") as file:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                       "user": user.decode() if user else None,
                       "tls": self.tls or session.ssl is not None}, file)
        return "250 Message accepted for delivery"


def read_arguments(words):
    found = {"refuse": [], "later": []}
    while words:
        word = words.pop(0)
        if word in ("tls", "starttls", "auth"):
            found[word] = words.pop(0), words.pop(0)
        elif word in ("refuse", "later"):
            found[word].append(words.pop(0))
    return found


def context(pair):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair)
    return made


def main():
    asked = read_arguments(sys.argv[2:])
    options = {}
    if "starttls" in asked:
        options.update(tls_context=context(asked["starttls"]), require_starttls=True)
    if "auth" in asked:
        user, password = asked["auth"]

        def authenticate(server, session, envelope, mechanism, data):
            good = data.login == user.encode() and data.password == password.encode()
            return AuthResult(success=good, auth_data=data.login if good else None,
                              handled=good)

        options.update(authenticator=authenticate, auth_required=True,
                       auth_require_tls="starttls" in asked)

    box = Mailbox(sys.argv[1], asked)
    ssl_context = context(asked["tls"]) if "tls" in asked else None

    async def serve():
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(box, hostname="mail.example.com", **options),
            "127.0.0.1", 0, ssl=ssl_context)
        print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        os._exit(0)

    asyncio.run(serve())


main()
