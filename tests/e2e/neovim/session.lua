-- A user's session in a headless Neovim: open a file, type, explain, fix, look at the lenses, undo. Prints one JSON object of what was
-- seen. Uses what Neovim itself has for each step, and only stands in for the user where a user would choose from a list.
-- Written for Neovim 0.7, whose vim.lsp has no `start` yet.
local seen = { messages = {}, progress = {}, choices = {}, questions = {}, lenses = {} }
local wanted = nil
local button = 1
local patience = 30000

local function fail(what)
  seen.failed = what
  seen.log = vim.fn.readfile(vim.lsp.get_log_path())
  seen.buffer = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  io.stdout:write(vim.json.encode(seen), "\n")
  vim.cmd("cquit 1")
end

local function wait_for(what, condition)
  if not vim.wait(patience, condition, 20) then fail("in vain: " .. what) end
end

-- the user in front of a list
vim.ui.select = function(items, options, chosen)
  local titles = vim.tbl_map(options.format_item or tostring, items)
  table.insert(seen.choices, titles)
  for number, title in ipairs(titles) do
    if vim.startswith(title, wanted) then
      wanted = nil
      return chosen(items[number], number)
    end
  end
  fail("no " .. wanted .. " among " .. vim.inspect(titles))
end
vim.fn.inputlist = function(lines)
  table.insert(seen.questions, lines)
  return button
end

local show = vim.lsp.handlers["window/showMessage"]
vim.lsp.handlers["window/showMessage"] = function(err, result, ...)
  table.insert(seen.messages, result.message)
  return show(err, result, ...)
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), "\n")
end

local function act(title, line)
  vim.api.nvim_win_set_cursor(0, { line, 0 })
  wanted = title
  vim.lsp.buf.code_action()
  wait_for(title, function() return wanted == nil end)
end

-- the lenses as the editor keeps them, from the server's answer to its request
local function lenses(until_there)
  local found
  wait_for("lenses", function()
    vim.lsp.codelens.refresh()
    vim.wait(200, function() return false end)
    found = vim.tbl_map(function(lens) return { lens.range.start.line, lens.command.title } end, vim.lsp.codelens.get(0))
    return until_there(found)
  end)
  return found
end

vim.cmd("edit " .. vim.env.TREADLE_TEST_FILE)
local options = { name = "treadle", cmd = vim.json.decode(vim.env.TREADLE_TEST_COMMAND), root_dir = vim.fn.getcwd() }
local id
if vim.lsp.start then
  id = vim.lsp.start(options)
else
  id = vim.lsp.start_client(options)
  vim.lsp.buf_attach_client(0, id)
end
wait_for("the server", function() return vim.lsp.buf_is_attached(0, id) and vim.lsp.get_client_by_id(id).initialized end)

vim.api.nvim_buf_set_lines(0, 0, 0, true, { "# typed, not saved: \u{1F600}" })

act("Explain", 2)
wait_for("the explanation", function() return #seen.messages == 1 end)
seen.explanation = table.concat(vim.fn.readfile(seen.messages[1]:match("The whole explanation: (.*)$")), "\n")

local namespace = vim.api.nvim_create_namespace("spelling")
vim.diagnostic.set(namespace, 0, {
  { lnum = 1, col = 7, end_lnum = 1, end_col = 11, message = "'helo' is misspelt", severity = 1, source = "spell" },
})
act("Fix: 'helo'", 2)
wait_for("the fix", function() return #seen.messages == 2 end)
seen.fixed = text()
seen.modified = vim.bo.modified

seen.lenses = lenses(function(found) return #found > 0 end)
vim.api.nvim_win_set_cursor(0, { seen.lenses[1][1] + 1, 0 })
wanted = "Undo"
vim.lsp.codelens.run()
wait_for("the undo", function() return text() ~= seen.fixed end)
seen.undone = text()
seen.left = lenses(function(found) return #found == 0 end)

for _, message in ipairs(vim.lsp.util.get_progress_messages()) do table.insert(seen.progress, message.title) end
seen.on_disk = table.concat(vim.fn.readfile(vim.env.TREADLE_TEST_FILE), "\n")
io.stdout:write(vim.json.encode(seen), "\n")
vim.lsp.stop_client(id)
wait_for("the end", function() return vim.lsp.get_client_by_id(id) == nil end)
vim.cmd("qall!")
