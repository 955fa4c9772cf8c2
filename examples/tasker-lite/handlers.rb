# The steps' work in another runtime: one JSON request a line in, one JSON answer a line out.
require 'json'

HANDLERS = {
  'square' => lambda do |request|
    number = request['dependencies'].values.first || request['context'].fetch('even_number', 0)
    number * number
  end
}.freeze

$stdout.sync = true
$stdin.each_line do |line|
  request = JSON.parse(line)
  begin
    answer = { 'result' => HANDLERS.fetch(request['handler']).call(request) }
  rescue StandardError => e
    answer = { 'error' => "#{e.class}: #{e.message}" }
  end
  answer['id'] = request['id']
  puts JSON.generate(answer)
end
