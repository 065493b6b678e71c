-- orch.sh: values arrive in the shell as they are, or are refused.

local sh = orch.sh
local quote = require "orch.quote"


-- What a real shell makes of a filled-in command line.
local function through_shell(template, values)
  return sh(template, values).stdout
end

describe("sh", function()
  it("runs a command line as it is", function()
    expect(sh("echo a | tr a b; echo $((1 + 2)) ${HOME:+set}").stdout):equals "b\n3 set\n"
  end)

  it("takes the options of process.run", function()
    expect(sh("pwd; echo $A", nil, { cwd = "/usr", env = { A = "x" } }).stdout):equals "/usr\nx\n"
    expect(sh("exit 3", nil, { check = false }).exit_code):equals(3)
    local lines = {}
    sh("echo a; echo b", {}, { on_stdout = function(line) lines[#lines + 1] = line end })
    expect(lines):equals { "a", "b" }
  end)

  it("raises with the command as it was written", function()
    local err = expect(function() sh "git-no-such push" end):raises { kind = "process", exit_code = 127 }
    expect(err.message):contains "`git-no-such push` failed with exit code 127:"
    expect(err.command):equals "git-no-such push"
  end)

  it("is cancelled before it starts, and in flight", function()
    local path = os.tmpname()
    local t = orch.spawn(function()
      orch.current_task():cancel()
      sh("echo started > ${path}", { path = path })
    end)
    expect(function() t:await() end):raises "cancelled"
    t = orch.spawn(sh, "echo $$ > ${path}; sleep 300; echo done >> ${path}", { path = path })
    local pid
    repeat
      orch.sleep(0.005)
      local file = io.open(path)
      pid = file:read "n"
      file:close()
    until pid
    t:cancel()
    expect(function() t:await() end):raises "cancelled"
    expect(io.open(("/proc/%d/stat"):format(pid))):is_nil()
    os.remove(path)
  end)
end)

describe("values", function()
  it("are quoted", function()
    expect(through_shell("printf '%s|' ${a} --flag=${b} x${c}y", { a = "a b", b = "it's", c = "$HOME" }))
      :equals "a b|--flag=it's|x$HOMEy|"
    expect(through_shell("printf '%s|' ${n} ${f} ${empty}", { n = 7, f = 0.5, empty = "" }))
      :equals "7|0.5||"
  end)

  it("may be lists, item by item", function()
    expect(through_shell("printf '%s|' ${files} end", { files = { "a b", "*", "", 3 } }))
      :equals "a b|*||3|end|"
    expect(through_shell("printf '%s|' ${files} end", { files = {} })):equals "end|"
  end)

  it("survive with every byte", function()
    for byte = 1, 255 do
      local text = "<" .. string.char(byte) .. ">"
      local tail = string.char(byte)
      if through_shell("printf '%s|%s' ${a} ${b}; echo", { a = text, b = tail }) ~= text .. "|" .. tail .. "\n" then
        error(("byte %d was damaged"):format(byte))
      end
    end
  end)

  it("survive as random strings, in random places", function()
    local nasty = { "'", '"', "\\", "$", "`", "\n", " ", "*", "!", "#", ";", "&", "|", "(", ")", "{", "}",
      "~", "=", "-", "\t", "\r", "\x7f", "\xc3", "\xff", "%", "${x}", "$(id)", "EOF" }
    local templates = {
      { "printf '%s|' ${x}", "%s|" }, { "printf '%s|' \"a\"${x}'b'", "a%sb|" },
      { "printf '%s|' \"$(printf '%s.' ${x})\"", "%s.|" },
      { "true && { printf '%s|' ${x}; }", "%s|" },
      { "v=${x}; printf '%s|' \"$v\" # done", "%s|" },
      { "(printf '%s|' ${x}) | cat", "%s|" },
      { "cat <<EOF >/dev/null\ntext ' \"\nEOF\nprintf '%s|' ${x}", "%s|" },
    }
    for _ = 1, 300 do
      local parts = {}
      for i = 1, math.random(0, 12) do
        parts[i] = math.random(3) == 1 and string.char(math.random(1, 255))
          or nasty[math.random(#nasty)]
      end
      local value = table.concat(parts)
      local template = templates[math.random(#templates)]
      local wanted = template[2]:gsub("%%s", function() return value end)
      local got = through_shell(template[1], { x = value })
      if got ~= wanted then
        error(("%q in %q gave %q"):format(value, template[1], got))
      end
    end
  end)

  it("must be there", function()
    local err = expect(function() sh("echo ${fiels}", { files = "x" }) end):raises "usage"
    expect(err.message):equals
      "sh: the command has ${fiels}, but the values have no `fiels`; did you mean ${files}?"
    err = expect(function() sh("echo ${HOME}", { files = "x" }) end):raises "usage"
    expect(err.message):contains "a variable of the shell's is written $HOME"
  end)

  it("leave the shell's own dollars alone", function()
    expect(through_shell("x=1; echo $x \\${a} $((x + 1)) ${x:-2} '${b}' ${a}", { a = "v" }))
      :equals "1 ${a} 2 1 ${b} v\n"
    expect(through_shell("echo $${a} | tr -d 0-9", { a = "!" })):equals "{a}\n"
  end)

  it("are refused where quotes would not protect them", function()
    local function refused(template, where)
      local err = expect(function() sh(template, { x = "v" }) end):raises "usage"
      expect(err.message):contains("${x} stands " .. where)
    end
    refused("echo 'a ${x}'", "inside single quotes")
    refused('echo "a ${x}"', "inside double quotes")
    refused('echo "a $(echo "${x}")"', "inside double quotes")
    refused("echo `echo ${x}`", "inside backquotes")
    refused("echo $(( ${x} + 1 ))", "inside $(( ))")
    refused("echo a # ${x}", "in a comment")
    refused("# it's\necho 'b ${x}'", "inside single quotes")
    refused("cat <<EOF\n${x}\nEOF", "in a here-document")
    refused("cat <<-'END'\n\t${x}\n\tEND", "in a here-document")
    refused("echo \"$(case a in a) echo ${x};; esac)\"", "after a `case` inside $( )")
    refused("echo ${y:-'}'} ${x}", "after a ${...} that this scan cannot follow")
    refused("echo $'a' ${x}", "after $'...'")
  end)

  it("are found again behind what was skipped", function()
    expect(through_shell("echo it\\'s ${x} # don't", { x = "v" })):equals "it's v\n"
    expect(through_shell('echo "a\\"b" ${x}', { x = "v" })):equals 'a"b v\n'
    expect(through_shell("echo a#b ${x}", { x = "v" })):equals "a#b v\n"
    expect(through_shell("echo $((2 << 1)) $(( (1) )) ${x}", { x = "v" })):equals "4 1 v\n"
    expect(through_shell("cat <<A\nit's\nA\necho ${x}", { x = "v" })):equals "it's\nv\n"
    expect(through_shell("case b in a) ;; b) echo ${x};; esac", { x = "v" })):equals "v\n"
  end)

  it("are text, numbers or lists of them", function()
    local function refused(value, text)
      local err = expect(function() sh("echo ${x}", { x = value }) end):raises "usage"
      expect(err.message):contains(text)
    end
    refused("a\0b", "${x} has a NUL byte")
    refused({ "a", "b\0" }, "item 2 of ${x} has a NUL byte")
    refused({ a = 1 }, "should be a list")
    refused({ {} }, "item 1 of ${x}")
    refused(true, "not true")
    refused(print, "not a function")
  end)
end)

describe("a wrong call of sh", function()
  it("is told so", function()
    expect(function() sh() end):raises { kind = "usage", message = "sh: argument 1 should be a string, not nil" }
    expect(function() sh("ls", "x") end):raises "usage"
    expect(function() sh("ls", nil, { cmd = 1 }) end):raises "usage"
    expect(function() sh "a\0b" end):raises "usage"
  end)

  it("process.quote makes words", function()
    expect(orch.process.quote "it's"):equals "'it'\\''s'"
    expect(orch.process.quote { "a", 2 }):equals "'a' '2'"
    expect(quote.command { "git", "commit", "-m", "a b" }):equals "git commit -m 'a b'"
  end)
end)

describe("a value that goes nowhere", function()
  local function refused(line, values, message)
    expect(function() sh(line, values) end):raises { kind = "usage", message = message }
  end

  it("is an option in the wrong place", function()
    refused("echo hi", { timeout = 5 }, "sh: the command has no ${timeout}; options come "
      .. "third: orch.sh(line, nil, { timeout = ... })")
  end)

  it("is refused in any case", function()
    refused("echo hi", { file = "x" }, "sh: the command has no ${file}, which the values give")
    refused("echo hi", { "x" }, "sh: the values should have names, { name = value }, and have the number 1")
    refused("echo ${a-b}", { ["a-b"] = "x" },
      "sh: ${a-b} is left to the shell: a name has letters, digits and _ only")
  end)
end)
