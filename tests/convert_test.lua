-- orch.convert: a thousand files of which some are broken, what is done again and what is not,
-- kills in the middle, and what is refused before anything runs.

local fs = require "orch.fs"
local convert = orch.convert

local exe = fs.stat("/proc/self/exe", { follow = false }).target

local folder

--- A case in a folder of its own.
local function case(name, fn)
  it(name, function()
    folder = test.temp_dir()
    local _ <close> = orch.cd(folder)
    fn()
  end)
end

local COUNT, EVERY = 1000, 20
local UNPACK = "gzip -dc < ${input} > ${output}"

--- a/0001.txt.gz ...; every twentieth is cut off: gzip writes what it can, and fails then.
local function thousand()
  fs.mkdir "a"
  fs.write("plain", ("some text that is long enough\n"):rep(3000))
  orch.sh "gzip -kn plain"
  local packed = fs.read "plain.gz"
  for i = 1, COUNT do
    local text = i % EVERY == 0 and packed:sub(1, -20) or packed
    fs.write(("a/%04d.txt.gz"):format(i), text, { atomic = false, sync = false })
  end
  return fs.read "plain"
end

--- All names below a folder, the hidden ones too.
local function names(where)
  return fs.glob(where .. "/**", { type = "file" })
end

local function unpack_all(more)
  local opts = { files = "a/*.gz", to = "b/{stem}", run = UNPACK, check = false }
  for name, value in pairs(more or {}) do opts[name] = value end
  return convert(opts)
end

describe("convert, 1,000 files of which 50 are broken", { timeout = "2m" }, function()
  case("converts the good ones, reports the bad ones, leaves nothing half-written", function()
    local plain = thousand()
    local told = 0
    local result = unpack_all {
      progress = function(done, total) told = math.max(told, done / total) end,
    }
    expect(result.converted):equals(COUNT - COUNT // EVERY)
    expect(result.skipped):equals(0)
    expect(#result.failed):equals(COUNT // EVERY)
    expect(#result.outputs):equals(result.converted)
    expect(told):equals(1.0)
    for i, failure in ipairs(result.failed) do
      expect(failure.path):equals(("a/%04d.txt.gz"):format(i * EVERY))
      expect(failure.error.kind):equals "process"
    end
    expect(names "b"):equals(result.outputs)
    for _, path in ipairs(result.outputs) do
      if fs.read(path) ~= plain then expect(path):equals "whole" end
    end

    -- Once more: only the broken ones are tried again.
    local again = unpack_all()
    expect(again.converted):equals(0)
    expect(again.skipped):equals(result.converted)
    expect(#again.failed):equals(COUNT // EVERY)

    -- One input mended, one changed, one only touched; one output gone, one damaged.
    local packed = fs.read "plain.gz"
    fs.write("a/0020.txt.gz", packed)
    fs.write("other", "other")
    orch.sh "gzip -c other > a/0001.txt.gz; touch a/0002.txt.gz"
    fs.remove "b/0003.txt"
    fs.write("b/0004.txt", plain:upper())
    local third = unpack_all()
    expect(third.converted):equals(4)
    expect(fs.read "b/0001.txt"):equals "other"
    expect(fs.read "b/0004.txt"):equals(plain)
    expect(#third.failed):equals(COUNT // EVERY - 1)
    expect(unpack_all().converted):equals(0)
  end)
end)

local function small(count)
  fs.mkdir "in"
  for i = 1, count do fs.write(("in/%d.txt"):format(i), "text " .. i) end
end

local function upper(input, output)
  fs.write(output, fs.read(input):upper())
end

describe("convert", function()
  case("calls a function, with temporary names that have the same ending", function()
    small(2)
    local seen = {}
    local result = convert { files = "in/*.txt", to = "out/{stem}.up", run = function(input, output)
      seen[#seen + 1] = output
      upper(input, output)
    end }
    expect(result):equals { converted = 2, skipped = 0, failed = {},
      outputs = { "out/1.up", "out/2.up" } }
    expect(seen[1]):matches "^out/%.orch%-.*%.up$"
    expect(fs.read "out/2.up"):equals "TEXT 2"
  end)

  case("takes away what a tool has written beside its output", function()
    small(2)
    convert { files = "in/*.txt", to = "out/{stem}.up", run = "cp ${input} ${output}; "
      .. "echo done > ${output}.log; mkdir ${output}.d; cp ${input} ${output}.d/x" }
    expect(names "out"):equals { "out/1.up", "out/2.up" }
    expect(fs.list "out"):equals { "1.up", "2.up" }
  end)

  case("makes several of one, by number or by name", function()
    small(1)
    convert { files = "in/*", to = { "out/a/{name}", "out/b/{name}" },
      run = { "sh", "-c", 'cp "$0" "$1"; cp "$0" "$2"', "{input}", "{output_1}", "{output_2}" } }
    expect(names "out"):equals { "out/a/1.txt", "out/b/1.txt" }
    convert { files = "in/*", to = { low = "out/{stem}.low", high = "out/{stem}.high" },
      run = function(input, output)
        upper(input, output.high)
        fs.copy(input, output.low)
      end }
    expect(fs.read "out/1.high"):equals "TEXT 1"
    expect(fs.read "out/1.low"):equals "text 1"
    convert { files = "in/*",
      to = function(path) return { up = path .. ".up", same = path .. ".same" } end,
      run = "tr a-z A-Z < ${input} > ${output_up}; cp ${input} ${output_same}" }
    expect(fs.read "in/1.txt.up"):equals "TEXT 1"
  end)

  case("keeps folders below the pattern's fixed part, and takes odd names", function()
    for _, name in ipairs { "A/x.t", "A/sub/deep/x.t", "A/-rf.t", "A/it's {odd} [1].t",
      "A/\xff.t" } do
      fs.mkdir(fs.path.dirname(name))
      fs.write(name, name)
    end
    local result = convert { files = "A/**/*.t", to = "out/{subfolder}/{stem}.o",
      run = { "cp", "{input}", "{output}" } }
    expect(result.converted):equals(5)
    expect(names "out"):equals { "out/-rf.o", "out/it's {odd} [1].o", "out/sub/deep/x.o", "out/x.o",
      "out/\xff.o" }
    expect(fs.read "out/\xff.o"):equals "A/\xff.t"
    result = convert { paths = { "A/it's {odd} [1].t", "A/\xff.t" }, to = "out2/{stem}.o",
      run = "cp ${input} ${output}" }
    expect(result.converted):equals(2)
    expect(convert { files = "A/**/*.t", to = "out/{subfolder}/{stem}.o",
      run = { "cp", "{input}", "{output}" } }.skipped):equals(5)
  end)

  case("does it again when the command, or the function with what it captures, changes", function()
    small(3)
    local function with(run) return convert { files = "in/*", to = "out/{name}", run = run } end
    local word = "a"
    local function stamp(input, output) fs.write(output, word .. fs.read(input)) end
    expect(with { "cp", "{input}", "{output}" }.converted):equals(3)
    expect(with { "cp", "{input}", "{output}" }.converted):equals(0)
    expect(with { "cp", "-p", "{input}", "{output}" }.converted):equals(3)
    expect(with(stamp).converted):equals(3)
    expect(with(stamp).skipped):equals(3)
    word = "b"
    expect(with(stamp).converted):equals(3)
    expect(fs.read "out/1.txt"):equals "btext 1"
    expect(convert { files = "in/*", to = "out/{name}", run = stamp, force = true }.converted)
      :equals(3)
  end)

  case("raises once for all failures, with each of them", function()
    small(30)
    local err = expect(function()
      convert { files = "in/*", to = "out/{name}", run = function(input, output)
        if input:find "%d%d" then error("no " .. input) end
        upper(input, output)
      end }
    end):raises "convert"
    expect(#err.failed):equals(21)
    expect(err.result.converted):equals(9)
    expect(err.message):contains "21 of 30 files could not be converted:\n  in/10.txt: "
    expect(err.message):contains "no in/10.txt"
    expect(err.message):contains "and 11 more"
    expect(#names "out"):equals(9)
  end)

  case("may look at a file to say where it goes; one that cannot be read is reported", function()
    small(3)
    local result = convert { files = "in/*", check = false, run = { "cp", "{input}", "{output}" },
      to = function(path)
        if path == "in/1.txt" then orch.audio.info(path) end
        return "out/" .. #fs.read(path) .. fs.path.basename(path)
      end }
    expect(result.converted):equals(2)
    expect(result.failed[1].path):equals "in/1.txt"
    expect(result.failed[1].error.kind):equals "format"
    expect(names "out"):equals { "out/62.txt", "out/63.txt" }
  end)

  case("believes no tool that leaves nothing, an empty file or a folder", function()
    small(1)
    local function try(run)
      local failed = convert { files = "in/*", to = "out/{stem}", run = run, check = false }.failed
      return failed[1].error.message
    end
    expect(try { "true" }):contains "succeeded, but did not write 'out/1'"
    expect(try ": > ${output}"):contains "left 'out/1' empty"
    expect(try "mkdir ${output}; : > ${output}/x"):contains "made a folder of 'out/1'"
    expect(names "out"):equals {}
    expect(fs.list "out"):equals {}
  end)

  case("leaves the old output where the new one fails", function()
    small(1)
    local ok = convert { files = "in/*", to = "out/{name}", run = "cp ${input} ${output}" }
    expect(ok.converted):equals(1)
    local result = convert { files = "in/*", to = "out/{name}", check = false,
      run = "echo half > ${output}; exit 3" }
    expect(result.failed[1].error.exit_code):equals(3)
    expect(fs.read "out/1.txt"):equals "text 1"
    expect(fs.list "out"):equals { "1.txt" }
  end)

  case("gives each file its time, and no more at once than it should", function()
    small(6)
    local now, most = 0, 0
    local result = convert { files = "in/*", to = "out/{name}", concurrency = 2, timeout = "100ms",
      check = false, run = function(input, output)
        now = now + 1
        most = math.max(most, now)
        local _ <close> = orch.defer(function() now = now - 1 end)
        orch.sleep(input:find "3" and "1h" or "5ms")
        upper(input, output)
      end }
    expect(most):equals(2)
    expect(result.converted):equals(5)
    expect(result.failed[1].error.kind):equals "timeout"
    result = convert { files = "in/3.txt", to = "out/{name}", timeout = "50ms", check = false,
      run = "echo half > ${output}; sleep 60" }
    expect(result.failed[1].error.kind):equals "timeout"
    expect(#fs.list "out"):equals(5)
  end)

  case("leaves no temporary file when it is cancelled", function()
    small(4)
    local task = orch.spawn({ hold = true }, convert, { files = "in/*", to = "out/{name}",
      concurrency = 4, run = "echo half > ${output}; sleep 60" })
    while #(fs.exists "out" and fs.list "out" or {}) < 4 do orch.sleep "5ms" end
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(fs.list "out"):equals {}
    expect(fs.glob ".orch/.orch-*"):equals {}
  end)

  case("works inside a conversion, and twice at once", function()
    small(3)
    local done = convert { files = "in/*", to = "out/{name}", run = function(input, output)
      convert { paths = { input }, to = "mid/{name}", run = upper }
      fs.copy("mid/" .. fs.path.basename(input), output)
    end }
    expect(done.converted):equals(3)
    expect(fs.read "out/3.txt"):equals "TEXT 3"
    orch.gather(function() convert { files = "in/*", to = "p/{name}", run = upper } end,
      function() convert { files = "in/*", to = "q/{name}", run = upper } end)
    expect(#names "p" + #names "q"):equals(6)
    expect(convert { files = "in/*", to = "p/{name}", run = upper }.skipped):equals(3)
    expect(convert { files = "in/*", to = "q/{name}", run = upper }.skipped):equals(3)
  end)

  case("does everything again, and not more, when its notes are damaged", function()
    small(5)
    local opts = { files = "in/*", to = "out/{name}", run = upper }
    convert(opts)
    local notes = fs.read ".orch/convert.jsonl"
    fs.write(".orch/convert.jsonl", notes:sub(1, -30))
    expect(convert(opts).converted):equals(1)
    expect(convert(opts).converted):equals(0)
    fs.write(".orch/convert.jsonl", "\0\xff{[}\n[]\n" .. '{"key":1}\n{"key":"x"}\n')
    expect(convert(opts).converted):equals(5)
    notes = fs.read ".orch/convert.jsonl":gsub('"outputs":%b[]', '"outputs":7')
    fs.write(".orch/convert.jsonl", notes)
    expect(convert(opts).converted):equals(5)
    expect(convert(opts).converted):equals(0)
  end)

  case("keeps its notes short", function()
    small(3)
    local opts = { files = "in/*", to = "out/{name}", run = upper, force = true }
    convert(opts)
    local notes = fs.read ".orch/convert.jsonl"
    fs.write(".orch/convert.jsonl", notes:rep(500))
    opts.force = nil
    expect(convert(opts).skipped):equals(3)
    expect(fs.size ".orch/convert.jsonl"):less_than(3 * #notes)
    expect(convert(opts).skipped):equals(3)
  end)
end)

describe("convert refuses, before anything runs,", function()
  local function refused(opts, message)
    small(2)
    if not opts.files and not opts.paths then opts.files = "in/*" end
    opts.to, opts.run = opts.to or "out/{name}", opts.run or { "false" }
    expect(function() convert(opts) end):raises "usage"
    expect(function() convert(opts) end):raises(message)
    expect(fs.exists "out"):is(false)
  end

  case("two files with one output, and outputs over inputs", function()
    refused({ to = "out/same" }, "both 'in/1.txt' and 'in/2.txt' would be written to 'out/same'")
    refused({ to = "{path}" }, "'in/1.txt' would be written over 'in/1.txt'")
    refused({ to = "in/../in/2.txt" }, "which is one of the files to convert")
    refused({ to = { "out/{name}", "out/{name}" } }, "twice for 'in/1.txt'")
    refused({ to = "out/" }, "is a folder, not a file; add {name}")
    refused({ paths = { "in/1.txt", "in/1.txt" } }, "`paths` has 'in/1.txt' twice")
  end)

  case("words that it does not know", function()
    refused({ to = "out/{steam}" }, "did you mean {stem}?")
    refused({ run = { "cp", "{imput}", "{output}" } }, "did you mean {input}?")
    refused({ run = "cp ${input} ${outptu}" }, "outptu")
    refused({ to = { a = "out/a{name}", b = "out/b{name}" },
      run = { "cp", "{input}", "{output}" } }, "output_a")
    refused({ run = { "cp", timeout = 3 } }, "`timeout` belongs to convert itself")
  end)

  case("options that it does not have, or that are missing", function()
    refused({ concurency = 4 }, "did you mean `concurrency`")
    refused({ concurrency = 0 }, "at least 1")
    refused({ files = "in/*", paths = {} }, "either `files`")
    small(2)
    expect(function() convert { files = "in/*", run = { "true" } } end)
      :raises "option `to` is missing"
    expect(function() convert "in/*" end):raises "takes one table"
    refused({ to = function() return 7 end }, "should give paths")
    refused({ to = function() return {} end }, "gives nothing for 'in/1.txt'")
  end)

  case("nothing to do is said, and is no failure", function()
    expect(convert { files = "none/*", to = "out/{name}", run = { "false" } }.converted):equals(0)
  end)
end)

describe("convert, killed with SIGKILL,", { timeout = "1m" }, function()
  local script = [[
    orch.convert { files = "a/*.gz", to = "b/{stem}", check = false, concurrency = 4,
      run = "gzip -dc < ${input} > ${output} && sleep 0.01" }
  ]]

  case("leaves whole outputs only; the next one clears up and does the rest", function()
    local plain = thousand()
    fs.write("script.lua", script)
    local litter, done = 0, 0
    for round = 1, 6 do
      orch.process.run { "sh", "-c", [["$0" run script.lua & sleep "$1"; kill -9 $!; wait $! 2>&1]],
        exe, ("%.3f"):format(0.1 + round * 0.05 + math.random() * 0.05), check = false }
      for _, path in ipairs(fs.exists "b" and names "b" or {}) do
        if path:find "/%.orch%-" then
          litter = litter + 1
        elseif fs.read(path) ~= plain then
          expect(path):equals "whole"
        end
      end
      local now = #fs.glob("b/*", { hidden = false })
      expect(now):greater_than(done - 1)
      done = now
    end
    expect(litter):greater_than(0)
    expect(done):greater_than(0)
    local result = unpack_all { concurrency = 8,
      run = "gzip -dc < ${input} > ${output} && sleep 0.01" }
    expect(result.converted + result.skipped):equals(COUNT - COUNT // EVERY)
    expect(result.skipped):greater_than(done - 10)
    expect(names "b"):equals(result.outputs)
    expect(fs.glob ".orch/.orch-*"):equals {}
  end)
end)

describe("convert in a job", function()
  case("tells the job's problems, and fails it", function()
    small(3)
    fs.write("p.lua", [[
      orch.job "pack" { run = function()
        orch.convert { files = "in/*", to = "out/{name}", progress = "packing",
          run = [=[case ${input} in *2*) echo "bad header" >&2; exit 1;; esac
            cp ${input} ${output}]=] }
      end }
    ]])
    local result = test.run({ "run", "p.lua" }, { cwd = folder,
      env = { GITHUB_ACTIONS = "true" } })
    expect(result.exit_code):equals(1)
    expect(result.stdout .. result.stderr):matches "::error file=in/2.txt[^\n]*bad header"
    expect(result.stdout .. result.stderr):contains "1 of 3 files could not be converted"
    expect(names "out"):equals { "out/1.txt", "out/3.txt" }
  end)
end)

describe("convert with ffmpeg", { timeout = "1m" }, function()
  case("makes OGG and two rates of 30 sounds, three of which are broken", function()
    fs.mkdir "s"
    orch.process.run { "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:d=0.3:r=48000",
      "s/01.wav" }
    local whole = fs.read "s/01.wav"
    for i = 2, 30 do
      fs.write(("s/%02d.wav"):format(i), i % 10 == 0 and whole:sub(1, i) or whole)
    end
    local opts = { files = "s/*.wav", check = false,
      to = { ogg = "o/{stem}.ogg", low = "o/22/{stem}.wav" },
      run = { "ffmpeg", "-v", "error", "-i", "{input}", "{output_ogg}", "-ar", "22050",
        "{output_low}" } }
    local result = convert(opts)
    expect(result.converted):equals(27)
    expect(#result.failed):equals(3)
    expect(result.failed[1].path):equals "s/10.wav"
    expect(names "o"):equals((function()
      local all = result.outputs
      table.sort(all)
      return all
    end)())
    expect(orch.audio.info("o/22/07.wav").rate):equals(22050)
    expect(orch.audio.info("o/07.ogg").codec):equals "vorbis"
    expect(orch.audio.info("o/07.ogg").duration):near(0.3, 0.001)
    expect(convert(opts).skipped):equals(27)
  end)
end)
