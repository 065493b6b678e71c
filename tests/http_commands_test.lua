-- What a file or mail server is told beside the body: commands, addresses, what a remote
-- file is like; and that no value ends its line.

local fs = orch.fs
local wire = require "orch.http.wire"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local real = dofile(here .. "/helper/real.lua")

local dir, there
before_each(function()
  dir = test.temp_dir()
  there = dir .. "/files"
  fs.mkdir(there)
end)

local function ask(ftpd, path, settings, body)
  settings.protocols = "ftp"
  return wire.send { method = body and "PUT" or "GET", body = body, rewindable = true,
    url = ("ftp://127.0.0.1:%d/%s"):format(ftpd.ports[1], path), settings = settings }
end

describe("commands to a file server", function()
  it("go before and after a transfer, and one that fails ends it with the server's words", function()
    local ftpd <close> = real.vsftpd(dir, there)
    ask(ftpd, "a.part", { quote = { "MKD in", "*MKD in" }, ftp_method = "nocwd",
      postquote = { "RNFR a.part", "RNTO in/a" } }, "content")
    expect(fs.read(there .. "/in/a")):equals "content"
    expect(fs.exists(there .. "/a.part")):equals(false)
    local err = expect(function() ask(ftpd, "", { nobody = true, quote = { "MKD in" } }) end)
      :raises "http"
    expect(err.reply):matches "^550 "
    expect(err.curl_code):equals(21) -- CURLE_QUOTE_ERROR
  end)

  it("tell the size and the time of a file, and a listing", function()
    local ftpd <close> = real.vsftpd(dir, there)
    fs.write(there .. "/a", "12345")
    local raw = ask(ftpd, "a", { nobody = true, file_time = true })
    expect(raw:progress().expected):equals(5)
    expect(math.abs(raw.exchange:file_time() - fs.stat(there .. "/a").mtime)):less_than(2)
    expect(ask(ftpd, "", {}).body):matches " 5 .- a\r?\n"
  end)

  it("have no line end and no NUL in them", function()
    local ftpd <close> = real.vsftpd(dir, there)
    for _, name in ipairs { "quote", "prequote", "postquote", "mail_rcpt" } do
      for _, bad in ipairs { "NOOP\r\nDELE a", "NOOP\n", "NOOP\0" } do
        local err = expect(function() ask(ftpd, "", { [name] = { bad } }) end):raises "usage"
        expect(err.message):contains(name .. " has a line end or a NUL")
      end
    end
    expect(function() ask(ftpd, "", { mail_from = "a@b\r\nDATA" }) end):raises "usage"
  end)

  it("another protocol than was asked for is refused", function()
    expect(function()
      wire.send { method = "GET", url = "ftp://127.0.0.1:1/", settings = { quote = { "NOOP" } } }
    end):raises { message = "[Pp]rotocol" }
  end)
end)
