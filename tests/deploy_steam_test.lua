-- orch.deploy.steam with a program that prints what steamcmd prints (logs that its users showed,
-- clients of 2021 to 2026).

local deploy, fs, json = orch.deploy, orch.fs, orch.json
local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local stand_in = dofile(here .. "/helper/stand_in.lua")

local steamcmd, folder

local function case(name, fn)
  it(name, function()
    folder = test.temp_dir()
    local _ <close> = orch.cd(folder)
    fs.mkdir "win"
    fs.write("win/game.exe", "MZ")
    fs.mkdir "linux"
    fs.write("linux/game", "ELF!")
    steamcmd = stand_in(folder .. "/steamcmd")
    fn()
  end)
end

local function said(text) return "cat <<'END'\n" .. text .. "\nEND" end

local START = said [[
Redirecting stderr to '/home/ci/Steam/logs/stderr.txt'
[  0%] Checking for available updates...
[----] Verifying installation...
Steam Console Client (c) Valve Corporation - version 1694466999
-- type 'quit' to exit --
Loading Steam API...OK
]]
local LOGIN = said [[
Logging in using cached credentials.
Logging in user 'studio_build' [U:1:1868766091] to Steam Public...OK
Waiting for client config...OK
Waiting for user info...OK
]]
local BUILT = said [[
[2026-09-24 22:07:31]: Starting AppID 480 build (flags 0x0).
[2026-09-24 22:07:31]: Building depot 481 ...
Building file mapping...
Scanning content....
Uploading content...
[2026-09-24 22:07:50]: Successfully finished AppID 480 build (BuildID 25520824).
]]
local KEPT = 'cp "$2" ./commands; cp "$(dirname "$2")"/*.vdf . 2>/dev/null; ls -l "$2" > ./mode'

local function options(more)
  local o = { app = 480, depots = { [481] = "win" }, user = "studio_build",
    steamcmd = steamcmd.path, retry = { base = 0 } }
  for name, value in pairs(more or {}) do o[name] = value end
  o.depots = o.depots or nil
  return o
end

local function upload(more) return deploy.steam.upload(options(more)) end

local function fails(fields, more)
  return expect(function() upload(more) end):raises(fields)
end

describe("a build for Steam", function()
  case("counts when steamcmd says that it is finished", function()
    steamcmd:says { KEPT, START, LOGIN, BUILT, "exit 6" }
    local result = upload { depots = { [482] = { folder = "linux", exclude = "*.debug" },
      [481] = "win" }, exclude = "*.pdb", branch = "beta", description = "1.4.2" }
    for name, wanted in pairs { service = "steam", app = 480, build_id = 25520824, bytes = 6,
      size = 6, branch = "beta", depots = { 481, 482 } } do
      expect(result[name]):equals(wanted)
    end
    expect(json.decode(json.encode(result)).build_id):equals(25520824)
    local app = fs.read "app_build_480.vdf"
    expect(app):contains '"AppID" "480"'
    expect(app):contains '"Desc" "1.4.2"'
    expect(app):contains '"SetLive" "beta"'
    expect(app):contains '"481" "depot_build_481.vdf"'
    expect(app:find "Preview"):is_nil()
    local linux = fs.read "depot_build_482.vdf"
    expect(linux):contains(('"ContentRoot" "%s/linux"'):format(folder))
    expect(linux):matches '"FileExclusion" "%*.pdb"%s+"FileExclusion" "%*.debug"'
    expect(fs.read "depot_build_481.vdf").never:contains "*.debug"
    expect(fs.read "commands"):matches "\nlogin studio_build\nrun_app_build \"/.*480.vdf\"\nquit\n$"
  end)

  case("of one folder takes the number after the app's", function()
    steamcmd:says { KEPT, START, LOGIN, BUILT }
    expect(upload { depots = false, folder = "win", preview = true }.depots):equals { 481 }
    expect(fs.read "app_build_480.vdf"):contains '"Preview" "1"'
  end)

  case("has its password in no command line and in no file that others can read", function()
    steamcmd:says { KEPT, START, LOGIN, BUILT }
    upload { password = "hush-hush!", guard = "6PBP9" }
    expect(json.encode(steamcmd:calls())).never:contains "hush-hush"
    expect(steamcmd:calls()[1][1]):equals "+runscript"
    expect(fs.read "commands")
      :contains 'set_steam_guard_code 6PBP9\nlogin studio_build "hush-hush!"\n'
    expect(fs.read "mode"):matches "^%-rw%-%-%-%-%-%-%-"
    expect(fs.exists(steamcmd:calls()[1][2])):is(false)
  end)

  case("leaves no password behind when orch is killed", function()
    steamcmd:says { START, LOGIN, "touch read", "sleep 60" }
    fs.write("send.lua", ("orch.deploy.steam.upload(orch.json.decode [==[%s]==])"):format(
      json.encode(options { depots = false, folder = "win", password = "hush-hush!" })))
    local killed <close> = orch.process.spawn { require("orch.core.runtime").executable(),
      "send.lua", check = false, env = { TMPDIR = folder } }
    local function commands() return (steamcmd:calls()[1] or {})[2] end
    for _ = 1, 1000 do
      if commands() and fs.exists "read" and not fs.exists(commands()) then break end
      orch.sleep(0.01)
    end
    killed:signal "KILL"
    expect(killed:wait().signal):equals "SIGKILL"
    expect(fs.exists(commands())):is(false)
    expect(fs.exists(fs.path.dirname(commands()))):is(true)
    expect(orch.process.run({ "grep", "-rl", "hush-hush", folder, "--include=*.txt",
      "--include=*.vdf", check = false }).stdout):equals ""
  end)

  case("has the token of another machine in a home of its own", function()
    steamcmd:says { 'cp -r "$HOME" ./home', START, LOGIN, BUILT }
    local config = '"InstallConfigStore"\n{\n  "Software" { "token" "abc" }\n}\n'
    upload { config = orch.hash.base64(config) }
    expect(fs.read "home/Steam/config/config.vdf"):equals(config)
    expect(fs.read "home/.local/share/Steam/config/config.vdf"):equals(config)
    expect(fs.exists(steamcmd:env "HOME")):is(false)
    upload { home = "builder" }
    expect(steamcmd:env "HOME"):equals(folder .. "/builder")
  end)

  case("is taken from the log where what is printed is cut off", function()
    steamcmd:says { START, LOGIN, "echo 'Scanning con'",
      [[sed -n 's/.*"BuildOutput" "\(.*\)"/\1/p' "$(dirname "$2")"/app_build_480.vdf > where]],
      [[echo '[2026-09-24 22:07:50]: Successfully finished AppID 480 build (BuildID 77).' ]]
        .. [[> "$(cat where)/app_build_480.log"]] }
    expect(upload().build_id):equals(77)
    expect(upload { output = "logs" }.build_id):equals(77)
    steamcmd:says { START, LOGIN, "echo 'Scanning con'" }
    fails({ kind = "process" }, { output = "logs" }) -- the log is of the build before
  end)

  case("is taken from the log where steamcmd says nothing and does not end", function()
    steamcmd:says { START, LOGIN,
      "echo 'Successfully finished AppID 480 build (BuildID 78).' > logs/app_build_480.log",
      "sleep 60" }
    expect(upload { output = "logs", stall = 0.2 }.build_id):equals(78)
    expect(#steamcmd:calls()):equals(1)
  end)

  case("is read in colours", function()
    steamcmd:says { "printf '\\033[0mLoading Steam API...\\033[0mOK\\n'",
      "printf 'Waiting for user info...\\033[0mOK\\n'" }
    expect(upload { dry_run = true }.dry_run):is(true)
  end)
end)

describe("a build that fails", function()
  case("with exit code 0 and no word of a build is a failure", function()
    steamcmd:says { START, LOGIN, "echo 'Scanning content.'" }
    local err = fails { kind = "process", exit_code = 0, retryable = false }
    expect(err.message):contains "never said that the build is finished"
    expect(#steamcmd:calls()):equals(1)
  end)

  case("is told in steamcmd's words, exit code 0 or not", function()
    steamcmd:says { START, LOGIN, said [[
[2021-10-16 04:26:31]: Building depot 481 ...
Scanning content...........
[2021-10-16 04:26:31]: ERROR! Build for depot 481 failed : Failure]] }
    local err = fails { kind = "rejected", exit_code = 0, retryable = false }
    expect(err.message):contains "Build for depot 481 failed : Failure"
    expect(err.output[#err.output]):contains "ERROR!"
  end)

  case("is not taken for the build of another app", function()
    steamcmd:says { START, LOGIN, (BUILT:gsub("AppID 480 build %(", "AppID 4800 build (")) }
    fails { kind = "process" }
  end)

  case("for want of rights is of kind auth", function()
    steamcmd:says { START, LOGIN, "echo 'ERROR! Failed to commit build: Access Denied'", "exit 1" }
    fails { kind = "auth", retryable = false }
    expect(#steamcmd:calls()):equals(1)
  end)

  case("for the network is tried again", function()
    steamcmd:says { START, LOGIN, "if [ -f once ]; then", BUILT, "exit 0; fi; touch once",
      "echo 'ERROR! Failed to get application info for app 480 (Timeout)'", "exit 8" }
    expect(upload().build_id):equals(25520824)
    expect(#steamcmd:calls()):equals(2)
  end)

  case("in its last step is not tried again: the build may be there", function()
    steamcmd:says { START, LOGIN, "echo 'ERROR! Failed to commit build: Timeout'", "exit 6" }
    fails { kind = "network", retryable = false }
    expect(#steamcmd:calls()):equals(1)
  end)

  case("and stalls is ended", function()
    steamcmd:says { START, LOGIN, "echo 'Uploading content...'", "sleep 60" }
    local err = fails({ kind = "timeout", stalled = true }, { stall = 0.2, retry = false })
    expect(err.message):contains "Uploading content"
  end)

  case("by cancelling ends steamcmd and leaves no login behind", function()
    steamcmd:says { "echo $$ > pid; sleep 60" }
    expect((orch.move_on_after(0.3, upload, { password = "hush-hush!" }))):is(false)
    expect(orch.process.run({ "kill", "-0", (fs.read "pid":gsub("%s", "")),
      check = false }).ok):is(false)
    expect(fs.exists(steamcmd:calls()[1][2])):is(false)
  end)
end)

describe("a login", function()
  case("with a wrong password is of kind auth, and is not tried again", function()
    steamcmd:says { START, "printf \"Logging in user 'studio_build' to Steam Public...\"",
      "echo 'FAILED (Invalid Password)'", "exit 5" }
    local err = fails({ kind = "auth", reason = "login" }, { password = "hush-hush!" })
    expect(err.message):contains "the login was refused: Invalid Password"
    expect(#steamcmd:calls()):equals(1)
  end)

  local questions = {
    ["a code by e-mail"] = { [[
This computer has not been authenticated for your account using Steam Guard.
Please check your email for the message from Steam, and enter the Steam Guard
 code from that message.]], "Steam Guard code:", "Account Logon Denied" },
    ["a code of the app"] = { "Enter the current code from your Steam Guard Mobile Authenticator "
      .. "app", "Two-factor code:", "Account logon denied, need two-factor code" },
    ["a password"] = { "Logging in user 'studio_build' to Steam Public...", "password: ",
      "Invalid Password" },
  }
  for name, question in pairs(questions) do
    case("that asks for " .. name .. " does not wait for ever", function()
      steamcmd:says { START, said(question[1]), ("printf '%s'"):format(question[2]), "sleep 60" }
      local err = fails { kind = "auth", reason = "login" }
      expect(err.message):contains "config"
      expect(#steamcmd:calls()):equals(1)
    end)

    case("that asks for " .. name .. " and gives up is told the same", function()
      steamcmd:says { START, said(question[1]), ("echo '%sFAILED (%s)'"):format(question[2],
        question[3]) }
      expect(fails({ kind = "auth", reason = "login" }).message):contains(question[3])
    end)
  end

  case("too often says how long to wait", function()
    steamcmd:says { START, "echo \"Logging in user 'x' to Steam Public...FAILED (Rate Limit "
      .. "Exceeded)\"", "exit 5" }
    expect(fails({ kind = "auth" }).message):contains "half an hour"
  end)

  case("without a connection is tried again", function()
    steamcmd:says { START, "echo \"Logging in user 'x' to Steam Public...FAILED (No Connection)\"" }
    fails { kind = "network", attempts = 3 }
  end)

  case("is all that a dry run does", function()
    steamcmd:says { KEPT, START, LOGIN }
    local result = upload { dry_run = true }
    expect(result.would):equals "would upload win as depot 481 (2 bytes) of app 480"
    expect(result.elapsed):greater_than(0)
    expect(fs.read "commands").never:contains "run_app_build"
    steamcmd:says { START }
    fails({ kind = "process" }, { dry_run = true })
  end)
end)

describe("before anything runs", function()
  local refusals = {
    { "no folder at all", { depots = false }, "needs `depots`" },
    { "a missing folder", { depots = { [481] = "wim" } }, "no folder 'wim'" },
    { "a depot that is no number", { depots = { win = "win" } }, "`depots` should be" },
    { "a branch that Steam refuses", { branch = "default" }, "Steamworks" },
    { "a description with a quote", { description = 'the "best"' }, "quote" },
    { "a password that no script holds", { password = 'a"b' }, "use `config`" },
    { "a config that is none", { config = "sesame" }, "config.vdf" },
    { "two logins", { config = "{}", home = "x" }, "exclude each other" },
    { "a user that is none", { user = "ann; quit" }, "name of an account" },
    { "no steamcmd", { steamcmd = "/nowhere/steamcmd" }, "install steamcmd" },
  }
  for _, refusal in ipairs(refusals) do
    case(refusal[1] .. " is refused", function()
      steamcmd:says { START, LOGIN, BUILT }
      expect(function() upload(refusal[2]) end):raises(refusal[3])
      expect(steamcmd:calls()):equals {}
    end)
  end
end)

describe("the state of an app", function()
  case("has the builds of its branches", function()
    steamcmd:says { START, LOGIN, said [[
AppID : 480, change number : 4664962/0, token 0, last change : Sat Jun 23 20:06:45 2018
"480"
{
	"common"
	{
		"name"		"Spacewar"
	}
	"depots"
	{
		"branches"
		{
			"public"
			{
				"buildid"		"25520824"
				"timeupdated"		"1758751670"
			}
			"beta"
			{
				"buildid"		"25520900"
				"description"		"for testers"
			}
		}
	}
}]] }
    local asked = { app = 480, user = "studio_build", steamcmd = steamcmd.path }
    local status = deploy.steam.status(asked)
    expect(status.branches.beta):equals { build_id = 25520900, description = "for testers" }
    expect(status.branches.public.build_id):equals(25520824)
    asked.build_id = 25520824
    expect(deploy.steam.exists(asked)):is(true)
    asked.branch = "beta"
    expect(deploy.steam.exists(asked)):is(false)
  end)

  case("that is cut off is not half a truth", function()
    steamcmd:says { START, LOGIN, [[printf '"480" { "branches" { "public" { "buildid" "25']] }
    expect(function() deploy.steam.status { app = 480, user = "x", steamcmd = steamcmd.path } end)
      :raises { kind = "process" }
    steamcmd:says { START, LOGIN, "echo 'No app info for AppID 480 found, requesting...'" }
    expect(deploy.steam.status { app = 480, user = "x", steamcmd = steamcmd.path }.exists):is(false)
  end)
end)
