-- `orch graph`: the jobs of a script or of a run, as a tree on the terminal, a drawing, or
-- text for other tools.

local arg = require "orch.arg"
local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"
local graph = require "orch.report.graph"
local text = require "orch.report.text"

local FORMATS = { "svg", "dot", "mermaid", "json" }

-- The jobs of a script, with names instead of globs.
local function of_script(file)
  local built = require("orch.pipeline.load").graph(file)
  local order = {}
  for i, job in ipairs(built.declared) do
    local needs, after = {}, {}
    for k, other in ipairs(job.needed) do needs[k] = other.name end
    for k, other in ipairs(job.follows) do after[k] = other.name end
    order[i] = { name = job.name, desc = job.desc, where = job.where, needs = needs,
      after = after }
  end
  return { order = order }
end

local function of_run(spec)
  local project = require "orch.pipeline.project"
  local run = project.run(project.find(), spec)
  return require("orch.pipeline.model").load(run.events)
end

local function matching(order, word)
  local glob = require "orch.pipeline.glob"
  local found, names = {}, {}
  for i, job in ipairs(order) do
    names[i] = job.name
    if job.name == word or glob.is(word) and glob.matches(word, job.name) then
      found[#found + 1] = job
    end
  end
  if found[1] then return found end
  local near = arg.suggest(word, names)
  arg.fail("%s%s", glob.is(word) and ("no job matches '%s'"):format(word)
    or ("there is no job '%s'"):format(word), near and ("; did you mean '%s'?"):format(near) or "")
end

-- The named jobs and what they need, in the order of declaration.
local function only(order, words)
  local by_name, wanted, stack, chosen = {}, {}, {}, {}
  for _, job in ipairs(order) do by_name[job.name] = job end
  for _, word in ipairs(words) do
    for _, job in ipairs(matching(order, word)) do stack[#stack + 1] = job end
  end
  while #stack > 0 do
    local job = table.remove(stack)
    if not wanted[job] then
      wanted[job] = true
      for _, name in ipairs(job.needs) do stack[#stack + 1] = by_name[name] end
    end
  end
  for _, job in ipairs(order) do
    if wanted[job] then chosen[#chosen + 1] = job end
  end
  return chosen
end

local function names_of(path)
  local names = {}
  for i, link in ipairs(path.links) do names[i] = link.job.name end
  return names
end

-- Below the tree: how long what is marked took, and what it waited for besides.
local function explain(path)
  local parts = { text.duration(path.ran) .. " at work" }
  if path.queued >= 0.05 then parts[#parts + 1] = text.duration(path.queued) .. " in the queue" end
  if path.paused >= 0.05 then
    parts[#parts + 1] = text.duration(path.paused) .. " before another attempt"
  end
  return ("\n* the critical path: %s, %s\n"):format(text.count(#path.links, "job"),
    table.concat(parts, ", "))
end

local function as_json(subject, critical)
  local json = require "orch.json"
  local on, jobs = {}, json.array {}
  for _, job in ipairs(critical and subject.order or {}) do on[job.name] = false end
  for _, name in ipairs(critical or {}) do on[name] = true end
  for i, job in ipairs(subject.order) do
    jobs[i] = { name = job.name, desc = job.desc, where = job.where, state = job.state,
      needs = json.array(job.needs), after = json.array(job.after), elapsed = job.elapsed,
      critical = on[job.name] }
  end
  return json.pretty { version = 1, jobs = jobs } .. "\n"
end

local function tree(subject, critical)
  local tty = require "orch.tty"
  local columns = tty.is_terminal "stdout" and tty.size() or nil
  return graph.tree(subject, { critical = critical, columns = columns, style = tty.style })
end

local function format_of(found)
  local format
  for _, name in ipairs(FORMATS) do
    if found[name] then
      if format then arg.fail("--%s and --%s exclude each other", format, name) end
      format = name
    end
  end
  return format
end

local function check(found)
  if found[2] then arg.fail("orch graph takes one FILE, not '%s' as well", found[2]) end
  if found[1] and found.run then
    arg.fail("give a FILE or --run RUN, not both: the graph of '%s' or that of a run", found[1])
  elseif found.critical and not found.run then
    arg.fail("--critical-path needs --run RUN: how long jobs take is known of runs only")
  end
end

local function text_of(format, subject, path)
  local critical = path and names_of(path)
  if format == "json" then return as_json(subject, critical) end
  if format then return graph[format](subject, { critical = critical }) end
  return tree(subject, critical) .. (path and explain(path) or "")
end

local function main(found, outer)
  local format = format_of(found)
  check(found)
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  local subject = found.run and of_run(found.run) or of_script(found[1])
  local path = found.critical and require("orch.report.critical_path").of(subject) or nil
  if found.job then subject = { order = only(subject.order, found.job) } end
  local drawn = text_of(format, subject, path)
  local secrets = package.loaded["orch.secrets"] -- a script may put one into a text
  if secrets then drawn = secrets.redact(drawn) end
  if type(found.svg) == "string" and found.svg ~= "-" then
    require("orch.fs").write(found.svg, drawn)
    io.stderr:write("orch: wrote ", found.svg, "\n")
  else
    io.stdout:write(drawn)
  end
  return 0
end

---@async
---@param words string[] what follows "graph"
---@param outer {folder: string?} options that stood before it
---@return integer exit_code
return function(words, outer)
  local found, code = flags.parse("graph", words)
  if not found then return code end
  return failing.guard(main, found, outer)
end
