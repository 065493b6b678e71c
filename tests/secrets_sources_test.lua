-- Secrets from commands, the keyring and files: op, vault, pass and secret-tool are stand-ins in a
-- PATH of the test's own. What they print and how they fail follows 1Password CLI 2.24, Vault
-- 1.15, pass 1.7.4 and libsecret 0.20.5.

local fs, secrets, hash = orch.fs, orch.secrets, orch.hash
local exe = require("orch.core.runtime").executable()

local box

local tools = {
  op = [[
case "$1 $2" in
"read op://ci/play/json") printf '%s\n' '{' '  "type": "service_account",' \
  '  "private_key": "-----BEGIN PRIVATE KEY-----\nzqMIIEvAIBADANBgkqh\n-----END PRIVATE KEY-----\n"' '}' ;;
"read op://ci/slow/key") sleep 60 ;;
*) echo '[ERROR] 2024/03/01 10:00:00 could not read secret '"'$2'"': "ci" isn'"'"'t a vault in this account.' >&2
   exit 1 ;;
esac]],
  vault = [[
[ "$*" = "kv get -field=token secret/ci" ] && { printf zq-vault-token; exit; }
cat >&2 <<'E'
Error making API request.

URL: GET https://vault:8200/v1/sys/internal/ui/mounts/secret/other
Code: 403. Errors:

* permission denied
E
exit 2]],
  pass = [[
[ "$2" = ci/ftp ] && { printf 'zq-ftp-password\r\nuser: ann\nurl: ftp.example.com\n'; exit; }
echo "Error: $2 is not in the password store." >&2
exit 1]],
  ["secret-tool"] = [[
[ "$*" = "lookup account ftp service orch" ] && { printf zq-from-keyring; exit; }
exit 1]],
}

before_each(function()
  box = fs.temp_dir()
  fs.mkdir(box .. "/bin")
  for name, code in pairs(tools) do
    fs.write(box .. "/bin/" .. name, ("#!/bin/sh\necho %s >>'%s/called'\n%s\n"):format(name, box,
      code), { mode = 493 })
  end
end)

--- In a folder of its own, with the stand-ins in front of the PATH.
local function within(fn, env)
  local all = { PATH = box .. "/bin:/usr/bin:/bin" }
  for name, value in pairs(env or {}) do all[name] = value end
  local _ <close> = orch.cd(box)
  local _ <close> = orch.with_env(all)
  return fn()
end

local function called()
  return fs.exists(box .. "/called") and fs.read(box .. "/called") or ""
end

describe("orch.secrets with sources", function()
  it("asks commands, the keyring and files, and trims one newline", function()
    fs.write(box .. "/play.key", "zq-file-one\nzq-file-two\n\n")
    local s = within(function()
      return secrets {
        VAULT = { command = { "vault", "kv", "get", "-field=token", "secret/ci" } },
        PASS = { command = { "pass", "show", "ci/ftp" }, line = 1 },
        PASS_USER = { command = { "pass", "show", "ci/ftp" }, line = 2 },
        FTP_PASSWORD = { keyring = { service = "orch", account = "ftp" } },
        KEY_FILE = { path = "play.key" }, NOT_THERE = { optional = true },
        NOR_THIS = { command = { "pass", "show", "no" }, optional = true },
      }
    end)
    expect(s):equals { VAULT = "zq-vault-token", PASS = "zq-ftp-password",
      PASS_USER = "user: ann", FTP_PASSWORD = "zq-from-keyring",
      KEY_FILE = "zq-file-one\nzq-file-two\n" }
    for _, value in pairs(s) do expect(secrets.redact(value)):contains "***" end
    expect(secrets.redact "zq-file-two"):equals "***"
    expect(secrets.get "VAULT"):equals "zq-vault-token"
  end)

  it("the environment comes first, then the file, and then nothing is asked", function()
    fs.write(box .. "/.env.release", "PASS=zq-of-the-file\n")
    local s = within(function()
      return secrets { file = ".env.release",
        VAULT = { command = { "vault", "kv", "get", "-field=token", "secret/ci" } },
        PASS = { command = { "pass", "show", "ci/ftp" } } }
    end, { VAULT = "zq-of-the-environment" })
    expect(s):equals { VAULT = "zq-of-the-environment", PASS = "zq-of-the-file" }
    expect(called()):equals ""
  end)

  it("a file that is not there matters only where nothing else is asked", function()
    local s = within(function()
      return secrets { file = "no.env", FTP = { command = { "pass", "show", "ci/ftp" }, line = 1 } }
    end)
    expect(s.FTP):equals "zq-ftp-password"
    expect(function()
      within(function() return secrets { "ZQ_PLAIN", file = "no.env" } end)
    end):raises "os"
  end)

  it("names all that is missing, with the tools' own words", function()
    local err = expect(function()
      within(function()
        return secrets { "ZQ_STORE_KEY",
          ZQ_OP = { command = { "op", "read", "op://ci/other/json" } },
          ZQ_VAULT = { command = { "vault", "kv", "get", "-field=x", "secret/other" } },
          ZQ_PASS = { command = { "pass", "show", "no/such" } },
          ZQ_LINE = { command = { "pass", "show", "ci/ftp" }, line = 9 },
          ZQ_TYPO = { command = { "pas", "show" } },
          ZQ_RING = { keyring = { service = "orch", account = "none" } },
          ZQ_FILE = { path = "no.key" },
        }
      end)
    end):raises "usage"
    expect(err.names):equals { "ZQ_STORE_KEY", "ZQ_FILE", "ZQ_LINE", "ZQ_OP", "ZQ_PASS",
      "ZQ_RING", "ZQ_TYPO", "ZQ_VAULT" }
    for _, line in ipairs {
      "secrets: 8 are missing:\n  ZQ_STORE_KEY: it is not set\n",
      "\n  ZQ_OP: `op read op://ci/other/json` failed with exit code 1: [ERROR] 2024/03/01 "
        .. "10:00:00 could not read secret 'op://ci/other/json': \"ci\" isn't a vault in this "
        .. "account.\n",
      "\n  ZQ_VAULT: `vault kv get -field=x secret/other` failed with exit code 2: Error making "
        .. "API request.; URL: GET https://vault:8200/v1/sys/internal/ui/mounts/secret/other; "
        .. "Code: 403. Errors:; * permission denied",
      "\n  ZQ_PASS: `pass show no/such` failed with exit code 1: Error: no/such is not in the "
        .. "password store.\n",
      "\n  ZQ_LINE: there is no line 9 in it\n",
      "\n  ZQ_TYPO: there is no program 'pas' here\n",
      "\n  ZQ_RING: `secret-tool lookup account none service orch` failed with exit code 1\n",
      "/no.key': no such file or directory\n",
      "\nWhatever its source, a line `ZQ_STORE_KEY=...` in the environment or in the file .env "
        .. "comes first",
    } do
      expect(err.message):contains(line)
    end
  end)

  it("shows nothing of what a tool printed, on whichever stream", function()
    local function words(code)
      return expect(function()
        within(function() return secrets { ZQ_LOUD = { command = { "sh", "-c", code } } } end)
      end):raises "usage".message
    end
    expect(words "cat key* 2>&1; printf 'zq.50%%\n'; echo 'cannot log in with zq.50%!' >&2; exit 3")
      :contains "failed with exit code 3: cannot log in with ***!"
    local message = words "printf 'zq-%s' on-stderr >&2"
    expect(message):contains "printed nothing on its standard output"
    expect(message).never:contains "zq-on-stderr"
    message = words "head -c 1200000 /dev/zero"
    expect(message):contains "printed more than 1 MB, which is no secret"
    expect(message).never:contains "max_output"
    expect(words "printf '%300000s' >&2; exit 3"):contains "failed with exit code 3\n"
    fs.write(box .. "/large", ("x"):rep(1200000))
    expect(function() within(function() return secrets { ZQ_FILE = { path = "large" } } end) end)
      :raises "the file 'large' has more than 1 MB, which is no secret"
  end)

  it("another source of the same name is asked, the same one once", function()
    within(function()
      local function ask(word) return secrets { ZQ_SAME = { command = { "printf", word } } } end
      expect(ask "zq-first"):equals { ZQ_SAME = "zq-first" }
      expect(ask "zq-other"):equals { ZQ_SAME = "zq-other" }
      expect(secrets.get "ZQ_SAME"):equals "zq-other"
      local vault = { command = { "vault", "kv", "get", "-field=token", "secret/ci" } }
      for _ = 1, 2 do secrets { ZQ_VAULT_ONCE = vault } end
      expect(called()):equals "vault\n"
      secrets.forget(0)
      secrets { ZQ_VAULT_ONCE = vault }
      expect(called()):equals "vault\nvault\n"
    end)
  end)

  it("runs them at the same time", function()
    for i = 1, 3 do -- each ends only when all have begun
      fs.write(box .. "/bin/wait" .. i, ([[#!/bin/sh
touch "$0.begun"
for n in 1 2 3; do
  until [ -e "%s/bin/wait$n.begun" ]; do sleep 0.01; done
done
echo zq-waited]]):format(box), { mode = 493 })
    end
    local s = within(function()
      return secrets { ZQ_A = { command = { "wait1" }, timeout = 20 },
        ZQ_B = { command = { "wait2" }, timeout = 20 },
        ZQ_C = { command = { "wait3" }, timeout = 20 } }
    end)
    expect(s):equals { ZQ_A = "zq-waited", ZQ_B = "zq-waited", ZQ_C = "zq-waited" }
  end)

  it("does not wait for ever, gives no stdin, and hands on a cancellation", function()
    local slow = { "op", "read", "op://ci/slow/key" }
    local err = expect(function()
      within(function() return secrets { ZQ_SLOW = { command = slow, timeout = "100ms" } } end)
    end):raises "usage"
    expect(err.message):contains("`op read op://ci/slow/key` did not end within 0.1 s; does it ask "
      .. "for something? Then say interactive = true")
    err = expect(function()
      within(function() return secrets { ZQ_ASKS = { command = { "head", "-1" } } } end)
    end):raises "usage"
    expect(err.message):contains "`head -1` printed nothing"
    expect((orch.move_on_after("100ms", within, function()
      return secrets { ZQ_SLOW = { command = slow } }
    end))):equals(false)
  end)

  it("uses no shell", function()
    local s = within(function()
      return secrets { ZQ_ODD = { command = { "printf", "%s", "$(id) `id` ; zq '\"" } } }
    end)
    expect(s.ZQ_ODD):equals "$(id) `id` ; zq '\""
  end)

  it("a program may ask at the terminal, one after the other", function()
    fs.write(box .. "/bin/asks", [[#!/bin/sh
printf "password for $1: " >&2
read -r answer
echo "zq-$answer"]], { mode = 493 })
    local code = [[
      local s = orch.secrets { ZQ_A = { command = { "asks", "a" }, interactive = true },
        ZQ_B = { command = { "asks", "b" }, interactive = true } }
      print(s.ZQ_A == "zq-onetyped", s.ZQ_B == "zq-twotyped", s.ZQ_A)]]
    local result = orch.process.run { "script", "-qec", orch.process.quote { exe, "-e", code },
      "/dev/null", stdin = "onetyped\ntwotyped\n", timeout = "20s",
      env = { PATH = box .. "/bin:/usr/bin:/bin" } }
    expect(result.stdout):contains "password for a: "
    expect(result.stdout):contains "true\ttrue\t***"
  end)

  it("without a keyring it says so; macOS' own is asked as it wants it", function()
    fs.remove(box .. "/bin/secret-tool")
    local function ask()
      local _ <close> = orch.with_env { PATH = box .. "/bin" }
      return secrets { ZQ_RING = { keyring = { service = "orch", account = "ftp" } } }
    end
    local err = expect(ask):raises "usage"
    expect(err.message):contains("ZQ_RING: there is no keyring that orch can ask: neither "
      .. "secret-tool (of Debian's libsecret-tools) nor macOS' security is here")
    fs.write(box .. "/bin/security", [[#!/bin/sh
[ "$*" = "find-generic-password -s orch -a ftp -w" ] && echo zq-of-the-mac]], { mode = 493 })
    expect(ask()):equals { ZQ_RING = "zq-of-the-mac" }
  end)

  it("wrong declarations are named", function()
    for part, declared in pairs {
      ["A has both a `command` and a `path`"] = { A = { command = { "x" }, path = "y" } },
      ["secrets: A has no option `comand`; did you mean `command`?"] = { A = { comand = {} } },
      ["A: `command` should be a list such as"] = { A = { command = {} } },
      ["timeout and the like stand beside it"] = { A = { command = { "x", timeout = 1 } } },
      ["A: `keyring` should have a `service`"] = { A = { keyring = { account = "x" } } },
      ["A: `keyring` should be a table such as"] = { A = { keyring = { "x" } } },
      ["A: `line` should be at least 1"] = { A = { path = "x", line = 0 } },
      ["should be a name such as STORE_KEY"] = { ["a b"] = { path = "x" } },
    } do
      local err = expect(function() secrets(declared) end):raises "usage"
      expect(err.message):contains(part)
    end
  end)
end)

describe("masking", function()
  it("knows hexadecimal digits, and base64 in lines", function()
    local key = secrets.mask("zq-" .. ("A long key, longer than a line; "):rep(5))
    local hex = key:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    expect(secrets.redact("<" .. hex .. ">")):matches "^<%*%*%*2?0?>$"
    expect(secrets.redact(hex:upper())):matches "^%*%*%*2?0?$"
    for _, width in ipairs { 76, 64 } do
      local wrapped = hash.base64(key):gsub(("."):rep(width), "%0\n")
      local shown = secrets.redact(wrapped):gsub("[*\n]", "")
      expect(#shown):less_than(9)
    end
  end)

  it("takes no time for white space", function()
    expect(secrets.redact(secrets.mask("zq-a" .. (" "):rep(100000) .. "zq-b"))):equals "***"
    expect(require("orch.secrets.dotenv").parse("A=1" .. (" "):rep(100000) .. "2\n", ".env").A)
      :matches "^1 +2$"
  end)

  it("leaves the addresses in a key file readable", function()
    secrets.mask '{"token":"zq-a-token","token_uri":"https://zq.example/token","keyUrl":"https://zq"}'
    expect(secrets.redact "https://zq.example/token zq-a-token"):equals "https://zq.example/token ***"
  end)

  it("knows what is in a key file of JSON once it is decoded", function()
    local s = within(function()
      return secrets { PLAY = { command = { "op", "read", "op://ci/play/json" } } }
    end)
    local account = orch.json.decode(s.PLAY)
    expect(secrets.redact(account.private_key)):matches "^%*%*%*\n?$"
    expect(secrets.redact "x zqMIIEvAIBADANBgkqh y"):equals "x *** y"
    expect(secrets.redact "service_account"):equals "service_account"
  end)
end)

describe("a pipeline with secrets from commands", function()
  local function run(...)
    local spec = { exe, ... }
    spec.cwd, spec.check = box, false
    spec.env = { PATH = box .. "/bin:/usr/bin:/bin" }
    return orch.process.run(spec)
  end

  before_each(function()
    fs.write(box .. "/deploy.lua", [[
      local s = orch.secrets { TOKEN = { command = { "vault", "kv", "get", "-field=token",
        "secret/ci" } }, KEY = { keyring = { service = "orch", account = "ftp" } } }
      orch.job "upload" {
        run = function()
          orch.sh("echo to out: $TOKEN; echo to err: $TOKEN >&2; printf %s $TOKEN | base64; "
            .. "printf %s $TOKEN | od -An -tx1 | tr -d ' \\n'; printf %s $TOKEN | sed 's/-/%2D/'",
            nil, { env = { TOKEN = s.TOKEN } })
          orch.process.run { "printf", "by line %s\n", s.KEY, on_stdout = function() end }
          orch.log.info("logged " .. s.TOKEN, { key = s.KEY })
          print(s.TOKEN)
          error("cannot log in with " .. s.TOKEN .. " and " .. s.KEY)
        end,
      }]])
  end)

  it("writes them into no file and onto no terminal", function()
    local result = run("run", "deploy.lua", "--html", "report.html", "--junit", "report.xml")
    expect(result.exit_code):equals(1)
    local shown = result.stdout .. result.stderr
    expect(shown):contains "cannot log in with *** and ***"
    local forms = { "zq-vault-token", "zq-from-keyring", "7a712d7661756c742d746f6b656e",
      hash.base64("zq-vault-token"):sub(1, 18) }
    local looked, masked = 0, 0
    for entry in fs.walk(box, { type = "file" }) do
      if not entry.path:find("/bin/", 1, true) and entry.path ~= box .. "/called" then
        local text = fs.read(entry.path)
        looked, masked = looked + 1, masked + (text:find("***", 1, true) and 1 or 0)
        for _, form in ipairs(forms) do
          expect({ entry.path, text:find(form, 1, true) }):equals { entry.path }
        end
      end
    end
    expect(looked):greater_than(4)
    expect(masked):greater_than(2)
    for _, form in ipairs(forms) do expect(shown).never:contains(form) end
  end)

  it("asks nobody where the jobs are only looked at", function()
    for _, word in ipairs { "list", "graph" } do
      expect({ word, run(word, "deploy.lua").exit_code }):equals { word, 0 }
    end
    expect(called()):equals ""
  end)

  it("what is made of those at the top of a script is made nevertheless", function()
    fs.write(box .. "/made.lua", [[
      local keys = orch.secrets { "ZQ_HOOK", "ZQ_DATABASE", "ZQ_TOKEN" }
      local notify = orch.notify
      local db = orch.db.postgres(keys.ZQ_DATABASE)
      orch.notify.follow { notify.slack { webhook = keys.ZQ_HOOK },
        notify.slack { token = keys.ZQ_TOKEN, channel = "C024BE91L" },
        notify.discord { webhook = keys.ZQ_HOOK }, notify.teams { webhook = keys.ZQ_HOOK },
        notify.webhook { url = keys.ZQ_HOOK, secret = keys.ZQ_TOKEN } }
      orch.job "a" { run = "true" }]])
    local result = run("list", "made.lua")
    expect(result.stderr):equals ""
    expect(result.stdout):contains "Secrets: ZQ_DATABASE, ZQ_HOOK, ZQ_TOKEN"
  end)

  it("says what is missing before anything runs", function()
    fs.write(box .. "/two.lua", [[
      orch.secrets { "ZQ_ONE", TWO = { command = { "pass", "show", "two" } } }
      orch.job "a" { run = function() orch.fs.write("ran", "") end }]])
    local result = run("run", "two.lua")
    expect(result.exit_code).never:equals(0)
    expect(result.stderr):contains "ZQ_ONE: it is not set"
    expect(result.stderr):contains "TWO: `pass show two` failed with exit code 1: Error: two is not"
    expect(fs.exists(box .. "/ran")):equals(false)
  end)
end)
