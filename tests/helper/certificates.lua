--- Throw-away certificates, made with the openssl command.
---
---     certificates.make "/tmp/certs"   -- ca.pem good.pem good.key expired.pem ...

local fs, process = orch.fs, orch.process

local certificates = {}

local function openssl(dir, ...)
  local command = { "openssl", ... }
  command.cwd, command.timeout = dir, "20s"
  process.run(command)
end

local CA_CONFIG = [[
[ca]
default_ca = here
[here]
new_certs_dir = .
database = index
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
]]

local HERE = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
local ELSEWHERE = "subjectAltName=DNS:elsewhere.example"

local new_key = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes" }

local function with_key(list)
  for i, word in ipairs(new_key) do table.insert(list, i, word) end
  return table.unpack(list)
end

local function self_signed(dir, name, subject)
  openssl(dir, "req", "-x509", with_key {
    "-keyout", name .. ".key", "-out", name .. ".pem", "-days", "2",
    "-subj", "/CN=" .. subject, "-addext", HERE,
  })
end

--- Signed by our CA; `from` and `to` as YYMMDDHHMMSSZ.
local function signed(dir, name, alternative, from, to)
  openssl(dir, "req", with_key {
    "-keyout", name .. ".key", "-out", name .. ".csr", "-subj", "/CN=" .. name,
    "-addext", alternative,
  })
  openssl(dir, "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem",
    "-keyfile", "ca.key", "-in", name .. ".csr", "-out", name .. ".pem",
    "-startdate", from, "-enddate", to)
end

local function stamp(days)
  return os.date("!%y%m%d%H%M%SZ", os.time() + days * 86400)
end

---Makes ca, good, expired, wronghost (valid for elsewhere.example), selfsigned, client
---(all but selfsigned by ca) and stranger (by a CA that nobody knows).
---@async
---@param dir string an existing folder
function certificates.make(dir)
  fs.write(dir .. "/ca.conf", CA_CONFIG)
  fs.write(dir .. "/index", "")
  fs.write(dir .. "/serial", "01\n")
  self_signed(dir, "ca", "A CA for tests")
  self_signed(dir, "selfsigned", "localhost")
  signed(dir, "good", HERE, stamp(-1), stamp(2))
  signed(dir, "expired", HERE, stamp(-9), stamp(-2))
  signed(dir, "wronghost", ELSEWHERE, stamp(-1), stamp(2))
  signed(dir, "client", "subjectAltName=DNS:client", stamp(-1), stamp(2))
  fs.copy(dir .. "/ca.pem", dir .. "/known.pem")
  self_signed(dir, "ca", "Another CA for tests")
  signed(dir, "stranger", HERE, stamp(-1), stamp(2))
  fs.move(dir .. "/known.pem", dir .. "/ca.pem")
end

return certificates
