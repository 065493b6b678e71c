--- A real mail server for one test (aiosmtpd), and the mails that it got.
---
---     local server <close> = smtp.start { auth = { "build", "pw" }, refuse = { "gone@x" } }
---     notify.email { server = server.url, ... }
---     server:mail(1)      -- { from =, to =, user =, tls =, text = "the bytes", read = {...} }

local fs, json, process = orch.fs, orch.json, orch.process

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local PYTHON = "/usr/bin/python3" -- the one that Debian's package is for

local smtp = {}

local Server = {}
Server.__index = Server

function Server:__close()
  self.process:close_stdin()
  self.process:wait()
end

--- What Python's own parser reads in it: another opinion on the message.
local READ = [[
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
def part(p):
    if p.is_multipart(): return {"type": p.get_content_type(), "parts": [part(q) for q in p.iter_parts()]}
    c = p.get_content()
    return {"type": p.get_content_type(), "name": p.get_filename(),
            "text": c if isinstance(c, str) else None, "bytes": None if isinstance(c, str) else c.hex()}
print(json.dumps({"headers": {k.lower(): str(v) for k, v in m.items()}, "body": part(m),
                  "defects": [str(d) for d in m.defects]}))
]]

---@return table? mail nil: there is none with that number
function Server:mail(number)
  local path = ("%s/%d"):format(self.dir, number)
  if not fs.exists(path .. ".json") then return nil end
  local mail = json.load(path .. ".json")
  mail.text = fs.read(path .. ".eml")
  mail.read = json.decode(process.run { PYTHON, "-c", READ, stdin = mail.text }.stdout)
  return mail
end

---@param o {tls: string[]?, starttls: string[]?, auth: string[]?, refuse: string[]?, later: string[]?}?
---@return table server `<close>`-able; `.url`, `.port`
function smtp.start(o)
  o = o or {}
  if not process.run({ PYTHON, "-c", "import aiosmtpd", check = false }).ok then
    orch.test.skip "there is no aiosmtpd here; scripts/install-packages.sh test installs it"
  end
  local self = setmetatable({ dir = orch.test.temp_dir() }, Server)
  local command = { PYTHON, here .. "/smtp.py", self.dir, check = false }
  for _, name in ipairs { "tls", "starttls", "auth" } do
    if o[name] then
      table.move({ name, o[name][1], o[name][2] }, 1, 3, #command + 1, command)
    end
  end
  for _, name in ipairs { "refuse", "later" } do
    for _, address in ipairs(o[name] or {}) do
      table.move({ name, address }, 1, 2, #command + 1, command)
    end
  end
  self.process = process.spawn(command)
  local line = self.process:read "line"
  if not line then error("it did not start: " .. self.process:wait().stderr, 0) end
  self.port = json.decode(line)
  self.url = ("%s://127.0.0.1:%d"):format(o.tls and "smtps" or "smtp", self.port)
  return self
end

return smtp
